// The RPC methods of gateway. Made by `make contracts` from the contract table.

/** `degraded`: something the service depends on does not answer. */
export interface Health {
  status: "ok" | "degraded";
  service: string;
  timestamp: string;
}

/** `body` is the parsed JSON of a JSON body, else text. */
export interface RouteAnswer {
  status: number;
  headers: Record<string, string>;
  body: unknown;
}

/** As of a Fetch request. The caller's credential is in the headers; without one the call is nobody's. */
export interface RouteInit {
  method?: string | null;
  headers?: Record<string, string> | null;
  body?: string | null;
}

/** What `env.GATEWAY` offers. */
export interface GatewayService {
  /** Its HTTP interface. */
  fetch(request: Request | URL | string, init?: RequestInit): Promise<Response>;
  /** The same as a request from outside. `url` may be a path alone. */
  route(url: string, init?: RouteInit | null): Promise<RouteAnswer>;
  /** Whether the gateway itself answers. */
  health(): Promise<Health>;
}
