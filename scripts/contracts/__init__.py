"""What is derived from the contract tables: TypeScript declarations for RPC callers, an OpenAPI document for HTTP clients."""
