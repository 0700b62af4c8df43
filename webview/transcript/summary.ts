/** What the recording is about, above what was said in it: read, folded away, copied, made anew. */
import { html, nothing, type TemplateResult } from 'lit';
import type { SummaryView } from '../messages.ts';
import { t } from '../page.ts';
import type { SummaryAction } from './state.ts';

export interface SummaryHand {
  folded: boolean;
  fold(): void;
  copied: boolean;
  /** Pressed already, and on its way. */
  asked(action: SummaryAction): boolean;
  act(action: SummaryAction): void;
}

const button = (icon: string, title: string, press: () => void): TemplateResult =>
  html`<button type="button" title=${title} aria-label=${title} @click=${press}>
    <span class="codicon codicon-${icon}" aria-hidden="true"></span>
  </button>`;

/** The summary, one on its way, or the button that asks for it. */
export function summaryBlock(
  { made, making, canMake }: SummaryView,
  { folded, fold, copied, asked, act }: SummaryHand,
): TemplateResult | typeof nothing {
  const icon = (action: SummaryAction, name: string): string =>
    asked(action) ? 'loading codicon-modifier-spin' : name;
  if (!made && making === null)
    return canMake
      ? html`<div class="ask">
          <button type="button" class="text-button sum-up" @click=${() => act('make')}>
            <span class="codicon codicon-${icon('make', 'list-unordered')}" aria-hidden="true"></span>${t('Summarize')}
          </button>
        </div>`
      : nothing;
  return html`<section class="summary" aria-label=${t('Summary')}>
    <div class="summary-head">
      <h2 class=${made ? 'folds' : nothing}>
        ${
          made
            ? html`<button
                type="button"
                class="fold"
                aria-expanded=${folded ? 'false' : 'true'}
                aria-controls="summary-body"
                @click=${fold}
              >
                <span class="codicon codicon-chevron-${folded ? 'right' : 'down'}" aria-hidden="true"></span
                >${t('Summary')}
              </button>`
            : t('Summary')
        }
      </h2>
      <span class="beside" dir="auto"
        >${
          making !== null
            ? html`<span class="codicon codicon-loading codicon-modifier-spin" aria-hidden="true"></span
                >${making || t('Summarizing…')}`
            : made && folded
              ? made.text
              : nothing
        }</span
      >
      ${
        making !== null
          ? html`<button type="button" class="text-button" @click=${() => act('stop')}>
              <span class="codicon codicon-${icon('stop', 'debug-stop')}" aria-hidden="true"></span>${t('Stop')}
            </button>`
          : nothing
      }
      ${made ? button(copied ? 'check' : 'copy', t('Copy the summary'), () => act('copy')) : nothing}
      ${made && canMake ? button(icon('make', 'refresh'), t('Summarize again'), () => act('make')) : nothing}
    </div>
    ${
      made
        ? html`<div id="summary-body" ?hidden=${folded}>
            <p lang=${made.language} dir="auto">${made.text}</p>
            <small>${t('By {0}, a language model; it may be wrong.', made.model)}</small>
          </div>`
        : nothing
    }
  </section>`;
}
