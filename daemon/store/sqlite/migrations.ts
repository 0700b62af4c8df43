/** The index of search.ts; made anew from `outputs` when it is damaged. */
export const SAID = `
  CREATE VIRTUAL TABLE said USING fts5(
    text,
    translation,
    content = '',
    contentless_delete = 1,
    prefix = '2 3',
    tokenize = "unicode61 remove_diacritics 0 categories 'L* M* N* Co'"
  );`;

interface Migration {
  /** What SQLite's user_version is afterwards. */
  version: number;
  what: string;
  sql: string;
}

/** The database's steps, in order. What a step does is never edited once it is released. */
export const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    what: 'jobs, utterances, outputs, attempts, journal, figures',
    sql: `
      CREATE TABLE jobs (
        id TEXT PRIMARY KEY,
        path TEXT NOT NULL,
        name TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        modified_at INTEGER NOT NULL,
        duration_ms INTEGER,
        fingerprint TEXT NOT NULL,
        options TEXT NOT NULL,
        stages TEXT NOT NULL,
        models TEXT NOT NULL,
        priority INTEGER NOT NULL,
        position REAL NOT NULL,
        state TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        started_at INTEGER,
        finished_at INTEGER,
        language TEXT,
        ingested INTEGER NOT NULL DEFAULT 0,
        ingested_ms INTEGER NOT NULL DEFAULT 0,
        failure TEXT,
        warnings TEXT NOT NULL DEFAULT '[]',
        outputs TEXT NOT NULL DEFAULT '[]',
        overtaken INTEGER NOT NULL DEFAULT 0,
        crashes INTEGER NOT NULL DEFAULT 0
      ) WITHOUT ROWID;
      CREATE INDEX jobs_active ON jobs (priority, position) WHERE state IN ('pending', 'processing', 'paused');
      CREATE INDEX jobs_state ON jobs (state, id);
      CREATE INDEX jobs_fingerprint ON jobs (fingerprint);
      CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;

      CREATE TABLE utterances (
        job TEXT NOT NULL,
        idx INTEGER NOT NULL,
        start_ms INTEGER NOT NULL,
        end_ms INTEGER NOT NULL,
        PRIMARY KEY (job, idx)
      ) WITHOUT ROWID;

      -- What a stage made of an utterance: its output as JSON, or the failure that ended the tries.
      CREATE TABLE outputs (
        job TEXT NOT NULL,
        idx INTEGER NOT NULL,
        stage INTEGER NOT NULL,
        failed INTEGER NOT NULL DEFAULT 0,
        output TEXT NOT NULL,
        token INTEGER NOT NULL,
        PRIMARY KEY (job, idx, stage)
      ) WITHOUT ROWID;

      -- Files that we wrote, and the recording that each belongs to: these may be written again, others never.
      CREATE TABLE written (
        path TEXT PRIMARY KEY,
        recording TEXT NOT NULL
      ) WITHOUT ROWID;

      -- The fencing token is the rowid: it only ever grows.
      -- outcome: NULL while it runs, then done, failed (counts as a try) or parked (does not).
      CREATE TABLE attempts (
        token INTEGER PRIMARY KEY AUTOINCREMENT,
        job TEXT NOT NULL,
        stage INTEGER NOT NULL,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        try INTEGER NOT NULL,
        instance TEXT NOT NULL,
        claimed_at INTEGER NOT NULL,
        ended_at INTEGER,
        outcome TEXT,
        failure TEXT
      );
      CREATE INDEX attempts_job ON attempts (job, stage);
      CREATE INDEX attempts_open ON attempts (token) WHERE outcome IS NULL;

      CREATE TABLE journal (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL,
        kind TEXT NOT NULL,
        job TEXT,
        idx INTEGER,
        stage INTEGER,
        instance TEXT,
        data TEXT NOT NULL DEFAULT '{}'
      );
      CREATE INDEX journal_job ON journal (job, seq) WHERE job IS NOT NULL;
      CREATE INDEX journal_at ON journal (at);

      CREATE TABLE peaks (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        device TEXT NOT NULL,
        model TEXT NOT NULL,
        engine TEXT NOT NULL,
        precision TEXT NOT NULL,
        at INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        load_ms REAL
      );
      CREATE INDEX peaks_key ON peaks (device, model, engine, precision, id);

      CREATE TABLE minutes (
        at INTEGER NOT NULL,
        name TEXT NOT NULL,
        labels TEXT NOT NULL,
        value REAL NOT NULL,
        PRIMARY KEY (name, at, labels)
      ) WITHOUT ROWID;
      CREATE TABLE meta (
        key TEXT PRIMARY KEY,
        value TEXT NOT NULL
      ) WITHOUT ROWID;`,
  },
  {
    version: 2,
    // Entries are numbered in the order of time, so age is found by number; the index cost a page with every step.
    what: 'the journal without an index of times',
    sql: `
      DROP INDEX journal_at;`,
  },
  {
    version: 3,
    what: 'live sessions: how their sound comes, as JSON',
    sql: `
      ALTER TABLE jobs ADD COLUMN live TEXT;`,
  },
  {
    version: 4,
    // Of each path the last decision; of each folder what it has taken, by content: never twice, whatever it is called.
    what: 'watched folders',
    sql: `
      CREATE TABLE watch_folders (
        path TEXT PRIMARY KEY,
        spec TEXT NOT NULL,
        paused INTEGER NOT NULL DEFAULT 0,
        since INTEGER NOT NULL
      ) WITHOUT ROWID;

      CREATE TABLE watch_files (
        folder TEXT NOT NULL,
        path TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        modified_at REAL NOT NULL,
        identity TEXT NOT NULL,
        content TEXT,
        job TEXT,
        decision TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (folder, path)
      ) WITHOUT ROWID;
      CREATE INDEX watch_files_identity ON watch_files (folder, identity);
      CREATE INDEX watch_files_content ON watch_files (folder, content) WHERE content IS NOT NULL;
      CREATE INDEX watch_files_at ON watch_files (folder, at);

      CREATE TABLE watch_taken (
        folder TEXT NOT NULL,
        content TEXT NOT NULL,
        path TEXT NOT NULL,
        job TEXT NOT NULL,
        PRIMARY KEY (folder, content)
      ) WITHOUT ROWID;
      CREATE INDEX watch_taken_job ON watch_taken (job);`,
  },
  {
    version: 5,
    // The text itself lies in outputs. What is there already is taken in by and by (search.ts).
    what: 'search',
    sql: `
      CREATE TABLE searchable (
        number INTEGER PRIMARY KEY,
        job TEXT NOT NULL UNIQUE,
        upto INTEGER NOT NULL DEFAULT 0,
        stale INTEGER NOT NULL DEFAULT 1
      );
      CREATE INDEX searchable_stale ON searchable (number) WHERE stale = 1;
      ${SAID}
      INSERT INTO searchable (job) SELECT id FROM jobs ORDER BY id;`,
  },
  {
    version: 6,
    what: 'who speaks, and how speakers sound',
    sql: `
      ALTER TABLE utterances ADD COLUMN speaker TEXT;
      ALTER TABLE jobs ADD COLUMN voices TEXT;`,
  },
  {
    version: 7,
    what: 'summaries: the job that makes one, and what it made',
    sql: `
      ALTER TABLE jobs ADD COLUMN summary TEXT;`,
  },
  {
    version: 8,
    // Before, a duration was a mean and a percentile, which do not add up.
    what: 'durations of a minute as a sum and a histogram',
    sql: `
      ALTER TABLE minutes ADD COLUMN buckets TEXT;
      DELETE FROM minutes WHERE name IN ('waitP95Ms', 'runP95Ms');
      UPDATE minutes
      SET value = value * COALESCE(
        (
          SELECT done.value FROM minutes done
          WHERE done.name = 'done' AND done.at = minutes.at AND done.labels = minutes.labels
        ),
        0
      )
      WHERE name IN ('waitMs', 'runMs');`,
  },
  {
    version: 9,
    what: 'files of ours: whose they are and what we wrote, so that one that somebody changed is known',
    sql: `
      ALTER TABLE written ADD COLUMN job TEXT;
      ALTER TABLE written ADD COLUMN checksum TEXT;`,
  },
  {
    version: 10,
    what: 'the settle time of a watched folder under its present name',
    sql: `
      UPDATE watch_folders
      SET spec = json_remove(
        json_set(spec, '$.settleSeconds', json_extract(spec, '$.quietSeconds')),
        '$.quietSeconds'
      )
      WHERE json_extract(spec, '$.quietSeconds') IS NOT NULL;`,
  },
  {
    version: 11,
    what: 'which file a recording is, by the number that its file system gives it',
    sql: `
      ALTER TABLE jobs ADD COLUMN file_id TEXT;`,
  },
  {
    version: 12,
    what: 'who speaks when, in utterances of several speakers',
    sql: `
      ALTER TABLE utterances ADD COLUMN turns TEXT;`,
  },
  {
    version: 13,
    what: 'which voice of a model speaks for whom',
    sql: `
      ALTER TABLE jobs ADD COLUMN casting TEXT;`,
  },
  {
    version: 14,
    what: 'jobs that other machines of a fleet work on',
    sql: `
      ALTER TABLE jobs ADD COLUMN fleet TEXT;`,
  },
];
