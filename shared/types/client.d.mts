/** What a service answered instead of a result. `code` is stable; `detail` is for people. */
export declare class ServiceError extends Error {
  readonly code: string;
  readonly detail: string;
  constructor(code: string, detail: string);
}

/** The same service, whose rejections are ServiceErrors. */
export declare function typed<Service extends object>(service: Service): Service;

/** The result in an answer of `callJson`. Throws ServiceError. */
export declare function unwrap(text: string): unknown;
