// A Worker behind the gateway that tells what reached it, streams, echoes WebSockets, and hangs when asked to.
const CHUNK = new Uint8Array(64 * 1024).fill(97);
let cancelled = 0;
let uploaded = 0;

function download(bytes) {
  let left = bytes;
  return new ReadableStream({
    pull(controller) {
      const size = Math.min(left, CHUNK.length);
      if (size === 0) return controller.close();
      controller.enqueue(CHUNK.subarray(0, size));
      left -= size;
    },
    cancel() {
      cancelled += 1;
    },
  });
}

function socket() {
  const [client, server] = Object.values(new WebSocketPair());
  server.accept();
  server.addEventListener("message", ({ data }) => server.send(`echo ${data}`));
  return new Response(null, { status: 101, webSocket: client });
}

// Into one buffer again and again: what is measured is the gateway's memory, not this Worker's garbage.
async function upload(request) {
  const reader = request.body.getReader({ mode: "byob" });
  let bytes = 0;
  let buffer = new ArrayBuffer(CHUNK.length);
  for (;;) {
    const { done, value } = await reader.read(new Uint8Array(buffer));
    if (done) {
      uploaded += 1;
      return Response.json({ bytes });
    }
    bytes += value.byteLength;
    buffer = value.buffer;
  }
}

export default {
  async fetch(request) {
    const url = new URL(request.url);
    switch (url.pathname) {
      case "/download":
        return new Response(download(Number(url.searchParams.get("bytes"))));
      case "/upload":
        return upload(request);
      case "/uploaded":
        return Response.json(uploaded);
      case "/socket":
        return socket();
      case "/cancelled":
        return Response.json(cancelled);
      case "/swallow":
        await request.arrayBuffer();
      // falls through
      case "/hang":
        return new Promise((resolve) => setTimeout(() => resolve(new Response("late")), 60_000));
      case "/throw":
        throw new Error("a secret of the inside");
      case "/cookies":
        return new Response("two", { headers: [["set-cookie", "a=1"], ["set-cookie", "b=2"], ["vary", "Accept"]] });
      case "/status":
        return new Response("teapot", { status: 418, headers: { "x-own": "kept" } });
      default:
        return Response.json({ method: request.method, url: request.url, headers: Object.fromEntries(request.headers) });
    }
  },
};
