// The bucket of the backups over HTTP: GET /?prefix= lists keys, GET, PUT and DELETE /<key> are the object's.
export default {
  async fetch(request, { BUCKET }) {
    const url = new URL(request.url);
    const key = decodeURIComponent(url.pathname.slice(1));
    if (!key) {
      const { objects } = await BUCKET.list({ prefix: url.searchParams.get("prefix") });
      return Response.json(objects.map((object) => object.key));
    }
    if (request.method === "PUT") await BUCKET.put(key, await request.arrayBuffer());
    if (request.method === "DELETE") await BUCKET.delete(key);
    const object = request.method === "GET" ? await BUCKET.get(key) : null;
    return new Response(object?.body ?? null, { status: object || request.method !== "GET" ? 200 : 404 });
  },
};
