// The RPC methods of schedule. Made by `make contracts` from the contract table.

/** The names of the default tasks that were added now. */
export interface AddedTasks {
  added: string[];
}

/** One attempt of one run. `runId` is `task@scheduled_ms`. `failed`: another attempt follows, at `nextAttemptAt` when it waits for it; `dead`: it was the last. An attempt that was `skipped` or `missed` says why in its error. */
export interface Execution {
  runId: string;
  task: string;
  attempt: number;
  trigger: "cron" | "manual" | "retry" | "catch-up";
  status: "running" | "succeeded" | "failed" | "dead" | "skipped" | "missed";
  scheduledAt: string;
  startedAt: string;
  finishedAt: string | null;
  durationMs: number | null;
  nextAttemptAt: string | null;
  result: Record<string, unknown> | null;
  errorCode: string | null;
  errorMessage: string | null;
}

export interface ExecutionPage {
  data: Execution[];
  page: Page;
}

/** `degraded`: something the service depends on does not answer. */
export interface Health {
  status: "ok" | "degraded";
  service: string;
  timestamp: string;
}

/** The newest attempt of a task. */
export interface LastRun {
  runId: string;
  status: "running" | "succeeded" | "failed" | "dead" | "skipped" | "missed";
  startedAt: string;
  durationMs: number | null;
}

/** `schedule` is five-field cron, an `@name` or `every N minutes|hours|days|weeks`; `handler` one of `getAvailableHandlers`. After attempt n that may succeed another time, the next one comes within `min(retryCapS, retryBaseS · 2ⁿ⁻¹)` seconds. A run more than `misfireGraceS` late is missed; null is one period of the schedule, at most a day, and less than the five minutes between two events is five minutes. */
export interface NewTask {
  name: string;
  schedule: string;
  handler: string;
  enabled?: boolean;
  description?: string;
  /** whatever the caller keeps with the task */
  metadata?: Record<string, unknown>;
  timeoutS?: number;
  maxAttempts?: number;
  retryBaseS?: number;
  retryCapS?: number;
  misfireGraceS?: number | null;
}

export interface Page {
  limit: number;
  nextCursor: string | null;
}

/** A run and its attempts, the first one first. `status` is that of the last. */
export interface Run {
  runId: string;
  task: string;
  scheduledAt: string;
  status: "running" | "succeeded" | "failed" | "dead" | "skipped" | "missed";
  attempts: Execution[];
}

/** `nextRuns` are the next five; none of a task that is disabled, or whose schedule cannot be read. */
export interface Task {
  name: string;
  schedule: string;
  handler: string;
  enabled: boolean;
  description: string;
  /** whatever the caller keeps with the task */
  metadata: Record<string, unknown>;
  timeoutS: number;
  maxAttempts: number;
  retryBaseS: number;
  retryCapS: number;
  misfireGraceS: number | null;
  createdAt: string;
  updatedAt: string;
  lastScheduledAt: string | null;
  lastRun: LastRun | null;
  nextRunAt: string | null;
  nextRuns: string[];
}

export interface TaskPage {
  data: Task[];
  page: Page;
}

/** Of the runs of the last seven days. `lag_…`: from the scheduled time to the start of the first attempt. `runs` are those that succeeded or are dead; durations are those of attempts that succeeded. */
export interface TaskStats {
  task: string;
  runs: number;
  succeeded: number;
  dead: number;
  missed: number;
  successRate: number | null;
  durationP50Ms: number | null;
  durationP95Ms: number | null;
  lagP50Ms: number | null;
  lagP95Ms: number | null;
  consecutiveFailures: number;
}

export interface TaskStatsList {
  data: TaskStats[];
}

/** What one cron event did: the ids of runs by outcome. `failed`: for good, and those whose end could not be recorded. `retrying`: waiting for their next attempt. `yielded`: the names of tasks left to the next event for want of time. */
export interface TickResult {
  cron: string;
  scheduledAt: string;
  succeeded: string[];
  failed: string[];
  retrying: string[];
  skipped: string[];
  missed: string[];
  yielded: string[];
}

/** What `env.schedule` offers. */
export interface ScheduleService {
  /** Its HTTP interface. */
  fetch(request: Request | URL | string, init?: RequestInit): Promise<Response>;
  /** Whether the service and its database answer. */
  health(): Promise<Health>;
  /** Runs what is due at a cron event. */
  tick(cron: string, scheduledMs: number): Promise<TickResult>;
  /** Adds a task. */
  registerTask(task: NewTask): Promise<Task>;
  /** Deletes a task; false when there is none. */
  unregisterTask(name: string): Promise<boolean>;
  /** Lets a task run from now on; false when there is none. */
  enableTask(name: string): Promise<boolean>;
  /** Keeps a task from running; false when there is none. */
  disableTask(name: string): Promise<boolean>;
  /** One task, or null. */
  getTask(name: string): Promise<Task | null>;
  /** The tasks, by name. */
  listTasks(limit?: number | null, cursor?: string | null): Promise<TaskPage>;
  /** The newest attempts of one task. */
  getTaskHistory(name: string, limit?: number | null, cursor?: string | null): Promise<ExecutionPage>;
  /** The newest attempts of all tasks. */
  getRecentExecutions(limit?: number | null, cursor?: string | null): Promise<ExecutionPage>;
  /** Runs a task and waits for its end, at most 25 seconds. */
  runTaskNow(name: string): Promise<Run>;
  /** Another attempt of a run that failed, was skipped or missed; waits like `runTaskNow`. */
  retryExecution(runId: string): Promise<Run>;
  /** The handlers a task may name. */
  getAvailableHandlers(): Promise<string[]>;
  /** Adds the default tasks that were never there. */
  initializeDefaultTasks(): Promise<AddedTasks>;
  /** How the runs of each task went. */
  stats(): Promise<TaskStatsList>;
}
