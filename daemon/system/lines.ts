/** Lines of a stream whose other end may be anybody. */

/** Cuts a stream into lines; holds at most one line of `limit` bytes. */
export class LineSplitter {
  private parts: Buffer[] = [];
  private held = 0;
  private readonly line: (bytes: Buffer) => void;
  private readonly limit: number;
  constructor(line: (bytes: Buffer) => void, limit: number) {
    this.line = line;
    this.limit = limit;
  }

  /** False: a line went past the limit; nothing of it is kept. */
  push(chunk: Buffer): boolean {
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      const tail = chunk.subarray(from, at);
      if (this.held + tail.length > this.limit) return this.drop();
      this.line(this.parts.length ? Buffer.concat([...this.parts, tail]) : tail);
      this.parts = [];
      this.held = 0;
      from = at + 1;
    }
    if (from < chunk.length) {
      this.held += chunk.length - from;
      if (this.held > this.limit) return this.drop();
      this.parts.push(chunk.subarray(from));
    }
    return true;
  }
  private drop(): false {
    this.parts = [];
    this.held = 0;
    return false;
  }
}
