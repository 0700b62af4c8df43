/**
 * What somebody tries who got a foothold: in a page, or beside it. Each answers with what it could do; nothing is
 * right.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Frame } from './host/playwright.d.ts';

/**
 * Tries in a page to run what is no script of ours and to load from elsewhere: what ran, what was asked for, and by
 * which rules of the policy the rest was refused.
 */
export async function breakOut(frame: Frame): Promise<{ done: string[]; refusedBy: string[] }> {
  const asked: string[] = [],
    server = createServer((request, response) => {
      asked.push(request.url!);
      response.setHeader('access-control-allow-origin', '*').end();
    }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { ran, refusedBy } = await frame.evaluate(
      async address => {
        const ran: string[] = [],
          refusedBy = new Set<string>(),
          mark = (what: string): string => `globalThis.earshotRan = [...(globalThis.earshotRan ?? []), '${what}']`;
        document.addEventListener('securitypolicyviolation', event => refusedBy.add(event.effectiveDirective));
        const add = (tag: string, fields: Record<string, string>, text = ''): HTMLElement => {
          const element = document.createElement(tag);
          for (const [name, value] of Object.entries(fields)) element.setAttribute(name, value);
          element.textContent = text;
          document.body.append(element);
          made.push(element);
          return element;
        };
        const made: HTMLElement[] = [],
          tried = (what: string, run: () => unknown): void => {
            try {
              run();
              ran.push(what);
            } catch {
              /* refused */
            }
          };
        add('script', {}, mark('an inline script'));
        add('script', { src: `${address}/script.js` });
        add('script', { src: `data:text/javascript,${encodeURIComponent(mark('a script from data:'))}` });
        add('script', { src: URL.createObjectURL(new Blob([mark('a script from a blob')])) });
        add('div', { onclick: mark('an inline handler') }).click();
        add('img', { src: 'data:,', onerror: mark('an inline handler of an error') });
        add('a', { href: `javascript:${mark('a javascript: link')}` }).click();
        add('style', {}, 'body { --earshot-styled: 1 }');
        for (const [tag, fields] of [
          ['img', { src: `${address}/image` }],
          ['link', { rel: 'stylesheet', href: `${address}/style.css` }],
          ['iframe', { src: `${address}/frame` }],
          ['object', { data: `${address}/object` }],
          ['video', { src: `${address}/video` }],
          ['base', { href: `${address}/` }],
        ] as const)
          add(tag, fields);
        const form = add('form', { action: `${address}/form`, method: 'post', target: '_self' }) as HTMLFormElement;
        form.submit();
        // Later, because what a debugger runs may do more than the page.
        setTimeout(() => {
          tried('eval', () => (0, eval)('1'));
          tried('Function', () => new Function('return 1')());
        });
        setTimeout(mark('a text for setTimeout') as never);
        try {
          new Worker(URL.createObjectURL(new Blob(['postMessage(1)']))).onmessage = () => ran.push('a worker');
        } catch {
          /* refused */
        }
        navigator.sendBeacon(`${address}/beacon`);
        await Promise.allSettled([
          fetch(`${address}/fetch`).then(() => ran.push('fetch')),
          new Promise((resolve, reject) => {
            try {
              const socket = new WebSocket(`${address.replace('http', 'ws')}/socket`);
              socket.onopen = () => resolve(ran.push('a socket'));
              socket.onerror = reject;
            } catch (error) {
              reject(error as Error);
            }
          }),
        ]);
        // Whatever is under way has been decided on by then.
        await new Promise(resolve => {
          requestAnimationFrame(() => setTimeout(resolve, 200));
        });
        ran.push(...((globalThis as { earshotRan?: string[] }).earshotRan ?? []));
        if (getComputedStyle(document.body).getPropertyValue('--earshot-styled')) ran.push('an inline style');
        for (const element of made) element.remove();
        return { ran, refusedBy: [...refusedBy].sort() };
      },
      `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    );
    return { done: [...ran, ...asked], refusedBy };
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

/** A message to the page from some origin; `null`: from the editor's. */
export const postToPage = (frame: Frame, data: unknown, origin: string | null): Promise<void> =>
  frame.evaluate(
    ({ data, origin }) => {
      dispatchEvent(new MessageEvent('message', { data, origin: origin ?? location.origin, source: window }));
    },
    { data, origin },
  );

/** A message to the extension in the page's name, past the page's own code. */
export const postToExtension = (frame: Frame, message: unknown): Promise<void> =>
  frame.parentFrame()!.evaluate(data => {
    (
      globalThis as unknown as { __vscode_post_message__(command: string, data: unknown): void }
    ).__vscode_post_message__('onmessage', { message: data });
  }, message);
