/** Above the text: what is shown of it, and what can be done with all of it. */
import { html, nothing, type TemplateResult } from 'lit';
import { count } from '../format.ts';
import type { TranscriptShown } from '../messages.ts';
import { t } from '../page.ts';
import { page, state, type View } from './state.ts';

export function findBar(): TemplateResult {
  const replace = (): void => {
    const [find, replacement] = [...document.querySelectorAll<HTMLInputElement>('.find vscode-textfield')].map(
      f => f.value,
    );
    if (find) page.send({ type: 'replace', find, replacement: replacement ?? '' });
  };
  const onEnter = (e: KeyboardEvent): void => {
    if (e.key === 'Enter') replace();
    if (e.key === 'Escape') {
      state.finding = false;
      page.paint();
    }
  };
  return html`<div class="find" role="group" aria-label=${t('Find')} @keydown=${onEnter}>
    <vscode-textfield
      label=${t('Find')}
      placeholder=${t('Find')}
      .value=${String(getSelection()).trim()}
    ></vscode-textfield
    ><vscode-textfield label=${t('Replace with')} placeholder=${t('Replace with')}></vscode-textfield>
    <vscode-button @click=${replace}>${t('Replace all')}</vscode-button>
  </div>`;
}

export function tools(doc: TranscriptShown): TemplateResult {
  const views: { id: View; name: string }[] = [
    { id: 'original', name: t('Original') },
    { id: 'both', name: t('Both') },
    { id: 'translation', name: t('Translation') },
  ];
  const words = state.words.length,
    repaired = doc.utterances.reduce((sum, u) => sum + (u.original === null ? 0 : u.changes.length), 0);
  return html`<div class="tools">
    <span class="about">${doc.name} · ${words === 1 ? t('one word') : t('{0} words', count(words))}</span>
    ${
      doc.translatedTo
        ? html`<div class="views" role="group" aria-label=${t('Show')}>
            ${views.map(
              v =>
                html`<button
                  type="button"
                  class="chip"
                  aria-pressed=${page.remembered.view === v.id ? 'true' : 'false'}
                  @click=${() => page.remember({ view: v.id })}
                >
                  ${v.name}
                </button>`,
            )}
          </div>`
        : nothing
    }
    ${
      repaired
        ? html`<button type="button" class="text-button" @click=${() => page.send({ type: 'accept', index: null })}>
            <span class="codicon codicon-check-all" aria-hidden="true"></span>${t('Accept all repairs')}
            (${count(repaired)})
          </button>`
        : nothing
    }
    <button
      type="button"
      class="text-button"
      aria-pressed=${state.finding ? 'true' : 'false'}
      @click=${() => {
        state.finding = !state.finding;
        page.paint();
      }}
    >
      <span class="codicon codicon-replace-all" aria-hidden="true"></span>${t('Replace all')}
    </button>
    <button type="button" class="text-button" @click=${() => page.send({ type: 'export' })}>
      <span class="codicon codicon-export" aria-hidden="true"></span>${t('Export…')}
    </button>
  </div>`;
}
