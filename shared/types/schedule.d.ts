// The RPC methods of schedule. Made by `make contracts` from the contract table.

/** One attempt of one run. `run_id` is `task@scheduled_ms`. */
export interface Execution {
  runId: string;
  task: string;
  attempt: number;
  trigger: "cron" | "manual" | "retry" | "catch-up";
  status: "running" | "succeeded" | "failed" | "skipped";
  scheduledAt: string;
  startedAt: string;
  finishedAt: string | null;
  durationMs: number | null;
  result: Record<string, unknown> | null;
  errorCode: string | null;
  errorMessage: string | null;
}

export interface ExecutionList {
  data: Execution[];
}

/** `degraded`: something the service depends on does not answer. */
export interface Health {
  status: "ok" | "degraded";
  service: string;
  timestamp: string;
}

/** A named schedule. `handler` is one of `getAvailableHandlers`. */
export interface Task {
  name: string;
  schedule: string;
  handler: string;
  enabled: boolean;
  description: string;
  lastScheduledAt: string | null;
  nextRunAt: string | null;
}

export interface TaskList {
  data: Task[];
}

/** What one cron event did: the run ids by outcome. */
export interface TickResult {
  cron: string;
  scheduledAt: string;
  succeeded: string[];
  failed: string[];
  skipped: string[];
}

/** What `env.SCHEDULE` offers. */
export interface ScheduleService {
  /** Whether the service and its database answer. */
  health(): Promise<Health>;
  /** Runs what is due at a cron event. */
  tick(cron: string, scheduledMs: number): Promise<TickResult>;
  /** Every task. */
  listTasks(): Promise<TaskList>;
  /** The newest executions of all tasks. */
  getRecentExecutions(limit?: number | null): Promise<ExecutionList>;
  /** The newest executions of one task. */
  getTaskHistory(name: string, limit?: number | null): Promise<ExecutionList>;
  /** The handlers a task may name. */
  getAvailableHandlers(): Promise<string[]>;
}
