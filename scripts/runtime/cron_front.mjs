// Stands before a Worker with cron triggers in local runs: the platform's address for firing one, everything else passed on.
// `?cron=` is the trigger, `?time=` the scheduled time in milliseconds (now when absent). Answers the event's outcome.
export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    if (url.pathname !== "/cdn-cgi/handler/scheduled") return env.WORKER.fetch(request);
    const time = url.searchParams.get("time");
    const event = {
      cron: url.searchParams.get("cron") ?? "",
      scheduledTime: time ? new Date(Number(time)) : new Date(),
    };
    const { outcome } = await env.WORKER.scheduled(event);
    return new Response(outcome, { status: outcome === "ok" ? 200 : 500 });
  },
};
