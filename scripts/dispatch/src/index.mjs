// The platform's way into a dispatch namespace, where Workers have neither routes nor cron triggers.
//
// Plain JavaScript, since every request pays for this hop and an interpreter would be most of its price.
export default {
  async fetch(request, env) {
    try {
      return await env.NAMESPACE.get("gateway").fetch(request);
    } catch {
      return notAnswering(request);
    }
  },

  // The platform records the event as failed when this throws, which is what a finally failed task asks for.
  async scheduled(event, env) {
    const { failed } = await env.NAMESPACE.get("schedule").tick(event.cron, event.scheduledTime);
    if (failed.length > 0) throw new Error(`tasks failed: ${failed.join(", ")}`);
  },
};

function notAnswering(request) {
  const sent = request.headers.get("x-request-id") ?? "";
  const instance = /^[A-Za-z0-9_.-]{1,128}$/.test(sent) ? sent : `req_${crypto.randomUUID()}`;
  const problem = {
    type: "about:blank",
    title: "Service unavailable",
    status: 503,
    detail: "the gateway of this environment does not answer",
    instance,
    code: "UNAVAILABLE",
  };
  return Response.json(problem, {
    status: 503,
    headers: { "content-type": "application/problem+json", "retry-after": "5", "x-request-id": instance },
  });
}
