/**
 * What changes a job together with its files, one after the other. Files take their time, so such a command is more
 * than one event of the loop: each reads the job's row when its turn comes, and nothing that it has read is written by
 * another before it is done. The delivery of outputs is one of them.
 */
export class Commands {
  private readonly last = new Map<string, Promise<unknown>>();

  /** `of`: the job's id, or the file where no job made it. @throws what the command throws */
  run<T>(of: string, command: () => Promise<T>): Promise<T> {
    const done = (this.last.get(of) ?? Promise.resolve()).then(command),
      over = done
        .catch(() => {})
        .then(() => {
          if (this.last.get(of) === over) this.last.delete(of);
        });
    this.last.set(of, over);
    return done;
  }
}
