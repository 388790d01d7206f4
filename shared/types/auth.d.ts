// The RPC methods of auth. Made by `make contracts` from the contract table.

/** A key as its owner sees it ever after. `lastUsedAt` is exact to the minute. */
export interface ApiKey {
  id: string;
  name: string;
  prefix: string;
  last4: string;
  environment: "live" | "test";
  scopes: string[] | null;
  organizationId: string | null;
  rateLimit: number | null;
  expiresAt: string | null;
  revokedAt: string | null;
  lastUsedAt: string | null;
  createdAt: string;
}

/** Whose key it is. `valid` is always true: there is no answer for one that is not. */
export interface ApiKeyOwner {
  id: string;
  email: string;
  name: string | null;
  role: string;
  organizationId: string | null;
  workosId: string | null;
  emailVerified: boolean;
  disabled: boolean;
  createdAt: string;
  updatedAt: string;
  valid: true;
}

export interface ApiKeyPage {
  data: ApiKey[];
  page: Page;
}

/** `codeChallenge`: PKCE's, S256; its verifier goes with the code. */
export interface AuthUrlOptions {
  provider?: "authkit" | "apple" | "github" | "google" | "microsoft";
  organization?: string | null;
  loginHint?: string | null;
  codeChallenge?: string | null;
}

/** `organizationId`: absent means no organisation, where only what holds everywhere counts. */
export interface CheckInput {
  userId: string;
  resource: string;
  action: string;
  organizationId?: string | null;
}

export interface CreateApiKeyInput {
  name: string;
  environment?: "live" | "test";
  expiresInDays?: number | null;
  scopes?: string[] | null;
  rateLimit?: number | null;
  userId: string;
}

/** `key` is the clear key, shown this once and never again. */
export interface CreatedApiKey {
  id: string;
  name: string;
  prefix: string;
  last4: string;
  environment: "live" | "test";
  scopes: string[] | null;
  organizationId: string | null;
  rateLimit: number | null;
  expiresAt: string | null;
  revokedAt: string | null;
  lastUsedAt: string | null;
  createdAt: string;
  key: string;
}

export interface CreatedSession {
  token: string;
  refreshToken: string;
  tokenType: "Bearer";
  expiresIn: number;
  session: SessionRow;
}

/** `source`: by the user's role, or given one by one. */
export interface Grant {
  permission: string;
  organizationId: string | null;
  source: "role" | "grant";
  grantedBy: string | null;
  createdAt: string | null;
}

/** `degraded`: something the service depends on does not answer. */
export interface Health {
  status: "ok" | "degraded";
  service: string;
  timestamp: string;
}

/** The public keys access tokens are signed with (RFC 7517); none while they are HS256. */
export interface Jwks {
  keys: Record<string, string>[];
}

export interface ListQuery {
  limit?: number;
  cursor?: string | null;
}

export interface Page {
  limit: number;
  nextCursor: string | null;
}

/** How long the old key still works. */
export interface RotateInput {
  overlapHours?: number;
}

/** One place where a user is signed in. `current`: the one that asks. */
export interface SessionRow {
  id: string;
  userId: string;
  device: string | null;
  ipAddress: string | null;
  userAgent: string | null;
  createdAt: string;
  lastSeenAt: string;
  expiresAt: string;
  current: boolean;
}

/** An access token, and the refresh token that gets the next pair. `expiresIn` is the access token's, in seconds. */
export interface Tokens {
  token: string;
  refreshToken: string;
  tokenType: "Bearer";
  expiresIn: number;
}

/** `workosId`: null for one who never signed in through WorkOS's AuthKit. */
export interface User {
  id: string;
  email: string;
  name: string | null;
  role: string;
  organizationId: string | null;
  workosId: string | null;
  emailVerified: boolean;
  disabled: boolean;
  createdAt: string;
  updatedAt: string;
}

/** `error` is the code `verify` gives; user and session are null with it. */
export interface Validation {
  valid: boolean;
  user: User | null;
  session: SessionRow | null;
  error: "VALID" | "NOT_FOUND" | "MALFORMED" | "EXPIRED" | "REVOKED" | "DISABLED" | "WRONG_ENVIRONMENT" | null;
}

/** The answer to a presented credential. Everything after `code` is null unless `valid`. Times are RFC 3339. */
export interface Verification {
  valid: boolean;
  code: "VALID" | "NOT_FOUND" | "MALFORMED" | "EXPIRED" | "REVOKED" | "DISABLED" | "WRONG_ENVIRONMENT";
  kind: "user" | "api_key" | null;
  userId: string | null;
  email: string | null;
  role: string | null;
  organizationId: string | null;
  permissions: string[];
  scopes: string[] | null;
  sessionId: string | null;
  keyId: string | null;
  rateLimit: number | null;
  expiresAt: string | null;
}

/** `user` is ours; tokens, session and permissions are WorkOS's, and what they say has been verified. */
export interface WorkOSSignIn {
  user: User;
  accessToken: string;
  refreshToken: string;
  organizationId: string | null;
  sessionId: string | null;
  permissions: string[];
}

/** What `env.AUTH` offers. */
export interface AuthService {
  /** Its HTTP interface. */
  fetch(request: Request | URL | string, init?: RequestInit): Promise<Response>;
  /** Whether the service and its database answer. */
  health(): Promise<Health>;
  /** Who presents this API key or access token. */
  verify(credential: string): Promise<Verification>;
  /** The user of an API key, or the user and session of an access token. */
  validateToken(token: string): Promise<Validation>;
  /** The owner of an API key, or null. */
  validateApiKey(key: string): Promise<ApiKeyOwner | null>;
  /** The user and session of an access token; an API key has none. */
  validateSession(token: string): Promise<Validation>;
  /** Makes a key for a user; the clear key comes back once. */
  createApiKey(input: CreateApiKeyInput): Promise<CreatedApiKey>;
  /** A new key in place of one; the clear key comes back once. */
  rotateApiKey(userId: string, keyId: string, options?: RotateInput | null): Promise<CreatedApiKey>;
  /** A user's keys, newest first. */
  listApiKeys(userId: string, options?: ListQuery | null): Promise<ApiKeyPage>;
  /** Ends a key; false when there was none to end. */
  revokeApiKey(userId: string, keyId: string): Promise<boolean>;
  /** Whether a user may do this. */
  checkPermission(input: CheckInput): Promise<boolean>;
  /** Grants; false when it was granted already. */
  grantPermission(userId: string, resource: string, action: string, organizationId?: string | null): Promise<boolean>;
  /** Takes back one grant, of exactly this organisation. */
  revokePermission(userId: string, resource: string, action: string, organizationId?: string | null): Promise<boolean>;
  /** What a user may do, by role and by grant. */
  listPermissions(userId: string): Promise<Grant[]>;
  /** Signs a user in. */
  createSession(userId: string, device?: string | null, ipAddress?: string | null, userAgent?: string | null): Promise<CreatedSession>;
  /** A session that has not ended, or null. */
  getSession(sessionId: string): Promise<SessionRow | null>;
  /** Where a user is signed in, newest first. */
  listSessions(userId: string): Promise<SessionRow[]>;
  /** Ends a session; false when there was none to end. */
  revokeSession(sessionId: string): Promise<boolean>;
  /** Ends all of a user's sessions; how many. */
  revokeAllSessions(userId: string): Promise<number>;
  /** A refresh token's successor, and an access token. */
  refreshSession(refreshToken: string): Promise<Tokens>;
  /** A user, or null. */
  getUser(userId: string): Promise<User | null>;
  /** Gives a user another role; null for no such user. */
  updateUserRole(userId: string, role: "admin" | "user" | "viewer"): Promise<User | null>;
  /** Where a browser signs in; it comes back to `redirectUri` with a code. */
  getWorkOSAuthURL(redirectUri: string, state?: string | null, options?: AuthUrlOptions | null): Promise<string>;
  /** Who came back with this code, and WorkOS's tokens. */
  exchangeWorkOSCode(code: string, codeVerifier?: string | null, organizationId?: string | null): Promise<WorkOSSignIn>;
  /** The public keys of access tokens. */
  jwks(): Promise<Jwks>;
}
