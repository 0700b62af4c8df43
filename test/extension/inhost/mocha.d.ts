/** mocha lies in the cache folder (host/install.ts); these are the names that tests inside the host use. */
type MochaBody = (this: { timeout(ms: number): void; skip(): never }) => unknown;
declare function describe(title: string, body: () => void): void;
declare function it(title: string, body: MochaBody): void;
declare function before(body: MochaBody): void;
declare function after(body: MochaBody): void;
declare function beforeEach(body: MochaBody): void;
declare function afterEach(body: MochaBody): void;
