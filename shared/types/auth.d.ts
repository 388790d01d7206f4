// The RPC methods of auth. Made by `make contracts` from the contract table.

/** `scopes` are permissions; absent means all of the owner's. */
export interface CreateApiKeyInput {
  userId: string;
  name: string;
  environment?: "live" | "test";
  expiresInDays?: number | null;
  scopes?: string[] | null;
}

/** `key` is the clear key, shown this once and never again. */
export interface CreatedApiKey {
  id: string;
  name: string;
  prefix: string;
  last4: string;
  environment: "live" | "test";
  key: string;
  scopes: string[] | null;
  expiresAt: string | null;
  createdAt: string;
}

/** `degraded`: something the service depends on does not answer. */
export interface Health {
  status: "ok" | "degraded";
  service: string;
  timestamp: string;
}

/** The answer to a presented credential. Everything after `code` is null unless `valid`. Times are RFC 3339. */
export interface Verification {
  valid: boolean;
  code: "VALID" | "NOT_FOUND" | "MALFORMED" | "EXPIRED" | "REVOKED" | "DISABLED" | "WRONG_ENVIRONMENT";
  kind?: "user" | "api_key" | null;
  userId?: string | null;
  email?: string | null;
  role?: string | null;
  organizationId?: string | null;
  permissions?: string[];
  scopes?: string[] | null;
  sessionId?: string | null;
  keyId?: string | null;
  rateLimit?: number | null;
  expiresAt?: string | null;
}

/** What `env.AUTH` offers. */
export interface AuthService {
  /** Whether the service and its database answer. */
  health(): Promise<Health>;
  /** Who presents this API key or access token. */
  verify(credential: string): Promise<Verification>;
  /** Makes a key for a user; the clear key comes back once. */
  createApiKey(input: CreateApiKeyInput): Promise<CreatedApiKey>;
}
