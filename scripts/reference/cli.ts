/** docs/reference/cli.md: every command with its arguments and options, from the commander program. Pure. */
import type { Argument, Command, Option } from 'commander';
import { program } from '../../cli/program.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('*', '\\*');

function details(text: string, choices: readonly string[] | undefined, preset: unknown): string {
  const parts = [cell(text)];
  if (choices) parts.push(choices.map(choice => `\`${choice}\``).join(', '));
  if (typeof preset === 'string' || typeof preset === 'number') parts.push(`default \`${preset}\``);
  return parts.filter(Boolean).join('; ');
}

const argumentRow = (each: Argument): string => {
  const name = `${each.name()}${each.variadic ? '…' : ''}`;
  const text = details(each.description, each.argChoices, each.defaultValueDescription ?? each.defaultValue);
  return `| \`${cell(each.required ? `<${name}>` : `[${name}]`)}\` | ${text} |`;
};
const optionRow = (option: Option): string => {
  const preset = option.negate ? undefined : (option.defaultValueDescription ?? option.defaultValue);
  return `| \`${cell(option.flags)}\` | ${details(option.description, option.argChoices, preset)} |`;
};

/** The command and, below it, its own commands. */
function section(command: Command, path: string, isDefault: boolean): string {
  const name = `${path} ${command.name()}`;
  const rows = [
    ...command.registeredArguments.map(argumentRow),
    ...command.options.filter(option => !option.hidden).map(optionRow),
  ];
  const also = [...command.aliases().map(alias => `\`${path} ${alias}\``), ...(isDefault ? [`\`${path}\``] : [])];
  const head = `## ${name}\n\n${cell(command.description())}${also.length > 0 ? ` (also ${also.join(', ')})` : ''}\n`;
  const table = rows.length > 0 ? `\n| | |\n| --- | --- |\n${rows.join('\n')}\n` : '';
  const inner = command.commands.map(each => section(each, name, defaultOf(command) === each.name()));
  return [head + table, ...inner].join('\n');
}

/** Commander keeps the name of the command that runs when none is named to itself. */
const defaultOf = (command: Command): string | null =>
  (command as unknown as { _defaultCommandName: string | null })._defaultCommandName;

export const cliPage = (): string => `# The command line

Written by \`npm run reference\` from \`cli/program.ts\`. [docs/cli.md](../cli.md) says how jobs are named, what
Ctrl-C does and what exit codes mean.

${program.commands.map(command => section(command, program.name(), false)).join('\n')}`;
