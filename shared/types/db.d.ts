// The RPC methods of db. Made by `make contracts` from the contract table.

export interface BatchResult {
  inserted: number;
  updated: number;
}

/** The settings a caller may choose; everything else is the service's. `maxExecutionTime` is in seconds. */
export interface ClickHouseOptions {
  maxExecutionTime?: number;
  maxResultRows?: number;
}

export interface ClickHouseResult {
  data: Record<string, unknown>[];
  meta: ColumnMeta[];
  rows: number;
  statistics: Record<string, number>;
}

export interface ClickHouseStats {
  events: EventTypeStats[];
  total: number;
}

export interface ColumnMeta {
  name: string;
  type: string;
}

export interface CountOptions {
  type?: string | null;
  visibility?: "public" | "private" | "unlisted" | null;
}

/** `degraded`: PostgreSQL or a configured ClickHouse does not answer. */
export interface DatabaseHealth {
  status: "ok" | "degraded";
  service: string;
  timestamp: string;
  postgres: StoreHealth;
  clickhouse: StoreHealth;
}

export interface EdgeOptions {
  type?: string | null;
  limit?: number;
  cursor?: string | null;
}

/** `version`: of the thing that was read. One that has been written since keeps what it has, and waits for another. */
export interface EmbeddingInput {
  ns: string;
  id: string;
  embedding: number[];
  model: string;
  version?: number | null;
}

/** As RPC callers get it. */
export interface EventList {
  data: RecordedEvent[];
}

export interface EventTypeStats {
  type: string;
  count: number;
  first: string;
  last: string;
}

export interface ExecuteResult {
  rowCount: number;
}

/** A thing and how well it fits; larger is better, comparable within one answer only. */
export interface Found {
  ns: string;
  id: string;
  type: string;
  content: string | null;
  code: string | null;
  data: Record<string, unknown>;
  visibility: "public" | "private" | "unlisted";
  version: number;
  createdAt: string;
  updatedAt: string;
  embedding: number[] | null;
  relationships: Relationship[] | null;
  score: number;
}

export interface FoundList {
  data: Found[];
  pagination: Pagination;
}

export interface GetOptions {
  includeEmbedding?: boolean;
  includeRelationships?: boolean;
}

export interface Graph {
  nodes: Node[];
  edges: Relationship[];
}

export interface Incoming {
  incoming: Relationship[];
  page: Page;
}

/** `token`: the same token again stores nothing; for a caller that tries again. */
export interface IngestOptions {
  token?: string | null;
}

export interface Inserted {
  inserted: number;
}

export interface ListOptions {
  limit?: number;
  offset?: number;
  cursor?: string | null;
  type?: string | null;
  visibility?: "public" | "private" | "unlisted" | null;
  orderBy?: "createdAt" | "updatedAt" | "id";
  order?: "asc" | "desc";
  count?: "exact" | "estimated" | null;
}

export interface NamespaceCount {
  ns: string;
  count: number;
}

/** `depth` is the number of edges from the start, by the shortest way found. */
export interface Node {
  ns: string;
  id: string;
  depth: number;
}

export interface Outgoing {
  outgoing: Relationship[];
  page: Page;
}

export interface Page {
  limit: number;
  nextCursor: string | null;
}

/** `total` only when it was asked for. */
export interface Pagination {
  limit: number;
  offset: number;
  total: number | null;
  nextCursor: string | null;
}

export interface PatchOptions {
  ifVersion?: number | null;
}

export interface QueryField {
  name: string;
  typeOid: number;
}

export interface QueryOptions {
  readOnly?: boolean;
  repeatable?: boolean;
  timeoutMs?: number;
  maxRows?: number;
}

export interface QueryResult {
  rows: Record<string, unknown>[];
  rowCount: number;
  fields: QueryField[];
}

export interface RecordedEvent {
  ulid: string;
  ts: string;
  type: string;
  id: string;
  source: string;
  data: Record<string, unknown>;
}

/** An edge from one thing to another. */
export interface Relationship {
  ns: string;
  id: string;
  type: string;
  fromNs: string;
  fromId: string;
  toNs: string;
  toId: string;
  data: Record<string, unknown>;
  code: string | null;
  visibility: "public" | "private" | "unlisted";
  version: number;
  createdAt: string;
  updatedAt: string;
}

/** `ns` defaults to the one it starts from, `id` to a hash of its ends and type: the same edge twice is one edge. */
export interface RelationshipInput {
  ns?: string | null;
  id?: string | null;
  type: string;
  fromNs: string;
  fromId: string;
  toNs: string;
  toId: string;
  data?: Record<string, unknown>;
  code?: string | null;
  visibility?: "public" | "private" | "unlisted";
}

export interface RelationshipList {
  data: Relationship[];
  pagination: Pagination;
}

export interface RelationshipOptions {
  limit?: number;
  cursor?: string | null;
  type?: string | null;
  visibility?: "public" | "private" | "unlisted" | null;
}

/** `alpha` is the weight of the words in a hybrid search, 1 - alpha that of the vector. */
export interface SearchOptions {
  limit?: number;
  offset?: number;
  threshold?: number;
  ns?: string | null;
  type?: string | null;
  mode?: "text" | "vector" | "hybrid" | null;
  alpha?: number;
  visibility?: "public" | "private" | "unlisted" | null;
}

export interface SqlStatement {
  sql: string;
  params?: unknown[];
}

/** `repeatable`: doing it twice does no harm, as with a plain select, so that it is tried again when a connection breaks. What is `readOnly` is so anyway. */
export interface StatementOptions {
  readOnly?: boolean;
  repeatable?: boolean;
  timeoutMs?: number;
}

export interface Stats {
  thingsByNamespace: NamespaceCount[];
  relationshipsByType: TypeCount[];
  totals: Totals;
}

export interface StoreHealth {
  status: "ok" | "down" | "not_configured";
  latencyMs: number | null;
}

/** An entity. `data` is any JSON object; `version` counts its writes. */
export interface Thing {
  ns: string;
  id: string;
  type: string;
  content: string | null;
  code: string | null;
  data: Record<string, unknown>;
  visibility: "public" | "private" | "unlisted";
  version: number;
  createdAt: string;
  updatedAt: string;
  embedding: number[] | null;
  relationships: Relationship[] | null;
}

/** What a caller writes. `createdAt` is kept and `version` counted by the service. */
export interface ThingInput {
  type: string;
  data?: Record<string, unknown>;
  content?: string | null;
  code?: string | null;
  visibility?: "public" | "private" | "unlisted";
  embedding?: number[] | null;
  ns: string;
  id: string;
}

/** As RPC callers get it. */
export interface ThingList {
  data: Thing[];
  pagination: Pagination;
}

/** What is to change; a field that is not given stays. `data` is a JSON Merge Patch (RFC 7396). */
export interface ThingPatch {
  type?: string | null;
  data?: Record<string, unknown> | null;
  content?: string | null;
  code?: string | null;
  visibility?: "public" | "private" | "unlisted" | null;
  embedding?: number[] | null;
}

/** `estimated`: above 100 000 rows the totals are the planner's. */
export interface Totals {
  things: number;
  relationships: number;
  thingsWithEmbeddings: number;
  estimated: boolean;
}

export interface TransactionOptions {
  isolation?: "read_committed" | "repeatable_read" | "serializable";
  readOnly?: boolean;
  timeoutMs?: number;
}

export interface TransactionResult {
  success: boolean;
  results: QueryResult[];
}

export interface TraverseOptions {
  types?: string[] | null;
  direction?: "out" | "in" | "both";
  depth?: number;
  limit?: number;
}

export interface TypeCount {
  type: string;
  count: number;
}

export interface Updated {
  updated: number;
}

export interface WithoutEmbedding {
  ns: string;
  id: string;
  type: string;
  content: string | null;
  data: Record<string, unknown>;
  version: number;
}

export interface WithoutEmbeddingOptions {
  ns?: string | null;
  limit?: number;
}

/** `ifVersion`: only when that is the stored version. `idempotencyKey`: the same key again answers the same. */
export interface WriteOptions {
  ifVersion?: number | null;
  idempotencyKey?: string | null;
}

/** What `env.DB` offers. */
export interface DbService {
  /** Its HTTP interface. */
  fetch(request: Request | URL | string, init?: RequestInit): Promise<Response>;
  /** Whether both stores answer, and how fast. */
  health(): Promise<DatabaseHealth>;
  /** One thing, or null. */
  get(ns: string, id: string, options?: GetOptions | null): Promise<Thing | null>;
  /** The things of a namespace, in keyset pages. */
  list(ns: string, options?: ListOptions | null): Promise<ThingList>;
  /** Writes a thing, whole. */
  upsert(thing: ThingInput, options?: WriteOptions | null): Promise<Thing>;
  /** Changes parts of a thing; the row, or null. */
  patch(ns: string, id: string, changes: ThingPatch, options?: PatchOptions | null): Promise<Thing | null>;
  /** Deletes a thing and its edges; the row, or null. */
  delete(ns: string, id: string): Promise<Thing | null>;
  /** How many things a namespace has. */
  count(ns: string, options?: CountOptions | null): Promise<number>;
  /** Writes up to 1000 things in one transaction. */
  batchUpsert(things: ThingInput[]): Promise<BatchResult>;
  /** By words, by meaning, or both. */
  search(query?: string | null, embedding?: number[] | null, options?: SearchOptions | null): Promise<FoundList>;
  /** By meaning. */
  vectorSearch(embedding: number[], options?: SearchOptions | null): Promise<FoundList>;
  /** The edges that start at a thing. */
  getRelationships(ns: string, id: string, options?: EdgeOptions | null): Promise<Outgoing>;
  /** The edges that end at a thing. */
  getIncomingRelationships(ns: string, id: string, options?: EdgeOptions | null): Promise<Incoming>;
  /** Writes an edge. */
  upsertRelationship(relationship: RelationshipInput): Promise<Relationship>;
  /** Deletes an edge; the row, or null. */
  deleteRelationship(ns: string, id: string): Promise<Relationship | null>;
  /** The edges of a namespace. */
  listRelationships(ns: string, options?: RelationshipOptions | null): Promise<RelationshipList>;
  /** What can be reached from a thing. */
  traverse(ns: string, id: string, options?: TraverseOptions | null): Promise<Graph>;
  /** One SQL statement with $n parameters, always bound. */
  query(sql: string, params?: unknown[] | null, options?: QueryOptions | null): Promise<QueryResult>;
  /** One SQL statement; how many rows it changed. */
  execute(sql: string, params?: unknown[] | null, options?: StatementOptions | null): Promise<ExecuteResult>;
  /** The first row of a query, or null. */
  first(sql: string, params?: unknown[] | null, options?: StatementOptions | null): Promise<Record<string, unknown> | null>;
  /** Several statements, all or none. */
  transaction(statements: SqlStatement[], options?: TransactionOptions | null): Promise<TransactionResult>;
  /** One read of the analytics database, with typed {name:Type} parameters. */
  clickhouse(sql: string, params?: Record<string, unknown> | null, options?: ClickHouseOptions | null): Promise<ClickHouseResult>;
  /** Appends up to 10 000 rows to a table of the analytics database. */
  ingest(table: "events" | "api_requests" | "service_health", rows: Record<string, unknown>[], options?: IngestOptions | null): Promise<Inserted>;
  /** How much there is. */
  stats(): Promise<Stats>;
  /** Things by type. */
  typeDistribution(ns?: string | null): Promise<TypeCount[]>;
  /** Events by type. */
  clickhouseStats(): Promise<ClickHouseStats>;
  /** The newest events. */
  recentActivity(limit?: number | null): Promise<EventList>;
  /** Things that have none, in the order of their keys. */
  getEntitiesWithoutEmbeddings(options?: WithoutEmbeddingOptions | null): Promise<WithoutEmbedding[]>;
  /** Stores embeddings. */
  updateEmbeddings(embeddings: EmbeddingInput[]): Promise<Updated>;
}
