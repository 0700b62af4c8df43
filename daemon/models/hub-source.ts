/** A model on a hub as people name it: `hf:OWNER/REPO[@REVISION][:FILE]`, or the address of its page. Pure. */

export interface HubSource {
  /** OWNER/REPO. */
  repository: string;
  /** A branch, a tag or a commit. */
  revision: string;
  /** A file, a folder, or a part of a file's name; '': what the repository has. */
  file: string;
}

const NAME = '[A-Za-z0-9][A-Za-z0-9._-]{0,95}';
const SPEC = new RegExp(`^hf:(${NAME}/${NAME})(?:@([A-Za-z0-9][A-Za-z0-9._/-]{0,199}))?(?::(.{1,500}))?$`);
const PAGE = new RegExp(`^/(${NAME}/${NAME})(?:/(?:tree|blob|resolve)/([^/]{1,200})(?:/(.{1,500}))?)?/?$`);

/** Null: it names none. `hub`: the address that pages are of. */
export function parseHubSource(text: string, hub: string): HubSource | null {
  const [repository, revision, file] = fromSpec(text.trim()) ?? fromPage(text.trim(), hub) ?? [];
  if (repository === undefined || file?.split('/').some(part => part === '' || part === '..' || part === '.'))
    return null;
  return { repository, revision: revision ?? 'main', file: file ?? '' };
}

type Parts = [repository: string, revision: string | undefined, file: string | undefined];
const fromSpec = (text: string): Parts | null => {
  const match = SPEC.exec(text);
  return match && [match[1]!, match[2], match[3]];
};

function fromPage(text: string, hub: string): Parts | null {
  const url = URL.parse(text);
  if (!url) return null;
  const hosts = [hub, 'https://huggingface.co', 'https://hf.co'].map(each => new URL(each).host);
  if (!/^https?:$/.test(url.protocol) || !hosts.includes(url.host)) return null;
  const match = PAGE.exec(decoded(url.pathname));
  return match && [match[1]!, match[2], match[3]];
}

/** '': it is no text. */
function decoded(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    return '';
  }
}
