"""Rate limits that many isolates keep together through KV, without a KV operation on any request's way.

`policies`: the classes, as data. `window`: a sliding-window counter. `limiter`: decides, locally and at once. `gossip`: what
the isolates tell each other of the demand they see, so that each admits its share. `fields`: the response headers.
"""
