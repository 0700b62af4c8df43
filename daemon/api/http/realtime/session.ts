/**
 * A realtime transcription session over WebSocket, as OpenAI's clients speak it:
 *
 *   session.created → session.update → input_audio_buffer.append* → input_audio_buffer.commit …
 *
 * Sound begins a take (take.ts), which a commit ends; the next sound begins another. Items come in the order in which
 * they were spoken. What is wrong with a message is answered with `error`, and the session goes on.
 */
import type { RawData, WebSocket } from 'ws';
import { fromBase64 } from '../../../system/base64.ts';
import { ulid } from '../../../system/ids.ts';
import { parseJson } from '../../../system/json.ts';
import { errorBody, HttpProblem, problemOf } from '../problem.ts';
import type { RequestContext } from '../request-context.ts';
import { Take, type TakeEvents } from './take.ts';
import { atFirst, changed, described, type RealtimeWanted } from './wanted.ts';

/** OpenAI's own bound: fifteen megabytes of sound, in base64. */
export const MOST_MESSAGE_BYTES = 21 * 1024 ** 2;
/** A client that leaves so much unread is given up. */
const MOST_UNREAD_BYTES = 16 * 1024 ** 2;
/** Less sound than this is no item. */
const LEAST_MS = 100;
/** How long a client may take to let go. */
const LEAVE_MS = 1000;
const GOING_AWAY = 1001,
  BROKEN = 1011;

interface Message {
  type: string;
  event_id?: unknown;
  [field: string]: unknown;
}

/**
 * Resolves when the connection has ended. `signal`: the server closes. `silentMs`: how long a client may leave a ping
 * unanswered; it answers by itself as long as its program runs.
 */
export function serveRealtime(
  context: RequestContext,
  socket: WebSocket,
  { clock, silentMs, signal }: { clock: () => number; silentMs: number; signal: AbortSignal },
): Promise<void> {
  const session = new RealtimeSession(context, socket, clock);
  return new Promise(resolve => {
    let answered = true;
    const pings = setInterval(() => {
      // What we do not read may hold the answer.
      if (!answered && !socket.isPaused) return socket.terminate();
      answered = false;
      socket.ping();
    }, silentMs).unref();
    socket.on('pong', () => (answered = true));
    const leave = (): void => {
      socket.close(GOING_AWAY, 'the server closes');
      setTimeout(() => socket.terminate(), LEAVE_MS).unref();
    };
    signal.addEventListener('abort', leave, { once: true });
    socket.once('close', () => {
      clearInterval(pings);
      signal.removeEventListener('abort', leave);
      session.dispose();
      resolve();
    });
    if (signal.aborted) leave();
  });
}

class RealtimeSession {
  private readonly context: RequestContext;
  private readonly socket: WebSocket;
  private readonly clock: () => number;
  private wanted: RealtimeWanted = atFirst();
  /** The shape of before: its client says so in its first message. */
  private earlier = false;
  private take: Take | null = null;
  /** Takes that were committed and whose text is not whole. */
  private readonly ending = new Set<Take>();
  private lastItem: string | null = null;
  /** Sound of earlier takes, ms: times are those of the connection. */
  private beforeMs = 0;

  constructor(context: RequestContext, socket: WebSocket, clock: () => number) {
    this.context = context;
    this.socket = socket;
    this.clock = clock;
    socket.on('message', (data, binary) => this.receive(data, binary));
    socket.on('error', () => {}); // its close says the rest
    this.send({ type: 'session.created', session: described(this.wanted, false) });
  }

  dispose(): void {
    this.take?.cancel();
    for (const take of this.ending) take.cancel();
  }

  private send(event: { type: string; [field: string]: unknown }): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    if (this.socket.bufferedAmount > MOST_UNREAD_BYTES) this.socket.terminate();
    else this.socket.send(JSON.stringify({ event_id: `event_${ulid(this.clock())}`, ...event }));
  }

  private refuse(error: unknown, message?: Message): void {
    const event_id = typeof message?.event_id === 'string' ? message.event_id : null;
    this.send({ type: 'error', error: { ...errorBody(problemOf(error)).error, event_id } });
  }

  private receive(data: RawData, binary: boolean): void {
    let message: Message | undefined;
    try {
      message = parsed(data, binary);
      this.obey(message);
    } catch (error) {
      this.refuse(error, message);
    }
  }

  private obey(message: Message): void {
    switch (message.type) {
      case 'session.update':
      case 'transcription_session.update': {
        const earlier = message.type === 'transcription_session.update';
        // What is being said goes on as it began.
        this.wanted = changed(this.wanted, message.type, message.session, this.context);
        this.earlier = earlier;
        this.send({
          type: earlier ? 'transcription_session.updated' : 'session.updated',
          session: described(this.wanted, earlier),
        });
        return;
      }
      case 'input_audio_buffer.append':
        this.append(soundOf(message.audio));
        return;
      case 'input_audio_buffer.commit':
        this.commit();
        return;
      case 'input_audio_buffer.clear':
        this.clear();
        this.send({ type: 'input_audio_buffer.cleared' });
        return;
      default:
        throw new HttpProblem(
          400,
          'unknown_event',
          `A transcription session knows no ${JSON.stringify(message.type).slice(0, 100)}.`,
          'type',
        );
    }
  }

  private append(bytes: Buffer): void {
    const take = (this.take ??= this.begin());
    take.push(bytes);
    // Who sends faster than the text comes is read no further for a while.
    this.socket.pause();
    void take.ready().then(() => this.socket.resume());
  }

  private begin(): Take {
    const take: Take = new Take(
      this.context,
      this.wanted,
      this.events(() => take, this.beforeMs),
    );
    return take;
  }

  private commit(): void {
    const { take } = this;
    if (!take || take.soundMs < LEAST_MS)
      throw new HttpProblem(
        400,
        'input_audio_buffer_commit_empty',
        `The buffer has ${Math.floor(take?.soundMs ?? 0)} ms of sound; a commit takes ${LEAST_MS} ms at least.`,
      );
    this.over(take);
    this.ending.add(take);
    void take.ended.then(() => this.ending.delete(take));
    take.commit();
  }

  private clear(): void {
    const { take } = this;
    if (!take) return;
    this.over(take);
    take.cancel();
  }

  private over(take: Take): void {
    this.take = null;
    this.beforeMs += Math.round(take.soundMs);
  }

  private events(of: () => Take, beforeMs: number): TakeEvents {
    return {
      started: startMs => {
        const item_id = `item_${ulid(this.clock())}`;
        if (startMs !== null)
          this.send({ type: 'input_audio_buffer.speech_started', audio_start_ms: beforeMs + startMs, item_id });
        return item_id;
      },
      committed: (item_id, endMs) => {
        const previous_item_id = this.lastItem;
        this.lastItem = item_id;
        if (endMs !== null)
          this.send({ type: 'input_audio_buffer.speech_stopped', audio_end_ms: beforeMs + Math.round(endMs), item_id });
        this.send({ type: 'input_audio_buffer.committed', item_id, previous_item_id });
        const item = {
          id: item_id,
          object: 'realtime.item',
          type: 'message',
          status: 'completed',
          role: 'user',
          content: [{ type: 'input_audio', transcript: null }],
        };
        for (const type of this.earlier
          ? ['conversation.item.created']
          : ['conversation.item.added', 'conversation.item.done'])
          this.send({ type, item, previous_item_id });
      },
      delta: (item_id, delta) =>
        this.send({ type: 'conversation.item.input_audio_transcription.delta', item_id, content_index: 0, delta }),
      completed: (item_id, transcript, seconds) =>
        this.send({
          type: 'conversation.item.input_audio_transcription.completed',
          item_id,
          content_index: 0,
          transcript,
          usage: { type: 'duration', seconds },
        }),
      failed: (item_id, error) =>
        this.send({ type: 'conversation.item.input_audio_transcription.failed', item_id, content_index: 0, error }),
      broken: why => {
        const take = of();
        this.ending.delete(take);
        if (this.take === take) this.over(take);
        this.refuse(why);
        this.socket.close(BROKEN, 'see the error');
      },
    };
  }
}

/** @throws HttpProblem */
function parsed(data: RawData, binary: boolean): Message {
  if (!binary)
    try {
      const value: unknown = parseJson(data as Buffer);
      if (typeof value === 'object' && value !== null && typeof (value as Message).type === 'string')
        return value as Message;
    } catch {
      /* said below */
    }
  throw new HttpProblem(400, 'bad_json', 'A message must be a JSON object with a type, as text.');
}

/** @throws HttpProblem */
function soundOf(audio: unknown): Buffer {
  const bytes = typeof audio === 'string' ? fromBase64(audio) : null;
  if (bytes) return bytes;
  throw new HttpProblem(400, 'invalid_value', 'audio must be sound in base64.', 'audio');
}
