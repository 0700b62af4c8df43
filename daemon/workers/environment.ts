/**
 * What a program that we start gets of our environment: names that programs need to run, never whatever else the
 * user's shell had set. Tokens and passwords have names that nobody can list, so what is passed on is listed instead.
 */

/** Whom it is for: each gets what the one before does, and more. */
export type Audience =
  /** Programs that work on this machine. */
  | 'local'
  /** Those that talk to servers: proxies and certificates. */
  | 'network'
  /** pip, uv and npm: what their user set up for them, with the keys to registries. */
  | 'installer';

const LOCAL = [
  // Finding programs, libraries and folders.
  /^(PATH|HOME|USER|LOGNAME|SHELL|TERM|TZ|TMPDIR|TEMP|TMP)$/,
  /^(LANG|LANGUAGE|LC_\w+|XDG_\w+|EARSHOT_\w+)$/,
  /^(LD|DYLD|MALLOC)_\w+$|^GLIBC_TUNABLES$/,
  // Graphics cards. What says how the processor computes (CT2_*, MKL_*, OMP_*) is ours to say: set for another program,
  // it would make recognition many times slower, or take more cores than were given to it.
  /^(CUDA|GGML|VK|HIP|HSA|ROCM|ROCR|ZE|ONEAPI)_\w+$/,
  /^NVIDIA_(VISIBLE_DEVICES|DRIVER_CAPABILITIES|TF32_OVERRIDE)$/,
  // Windows starts nothing without these.
  /^(SYSTEMROOT|SYSTEMDRIVE|WINDIR|COMSPEC|PATHEXT|OS|NUMBER_OF_PROCESSORS|PROCESSOR_\w+)$/,
  /^(USERPROFILE|USERNAME|HOMEDRIVE|HOMEPATH|APPDATA|LOCALAPPDATA|PROGRAMDATA|ALLUSERSPROFILE|PUBLIC)$/,
  /^(PROGRAMFILES|COMMONPROGRAMFILES|PROGRAMW6432|COMMONPROGRAMW6432)(\(X86\))?$/,
];
const NETWORK = [
  /^(HTTPS?|ALL|NO|FTP)_PROXY$/,
  /^(SSL_CERT_FILE|SSL_CERT_DIR|NODE_EXTRA_CA_CERTS|NODE_USE_ENV_PROXY|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE)$/,
];
const INSTALLER = [/^(PIP|UV|NPM_CONFIG)_\w+$/, /^(NPM_TOKEN|NODE_AUTH_TOKEN|NETRC)$/];

/** A name that says so itself: it is kept from all but installers, even where its beginning is listed. */
const SECRET = /TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|PRIVATE|API_?KEY|_KEY(_|$)|COOKIE|_AUTH(_|$)/;

const allowed: Record<Audience, (name: string) => boolean> = {
  local: name => !SECRET.test(name) && LOCAL.some(each => each.test(name)),
  network: name => allowed.local(name) || NETWORK.some(each => each.test(name)),
  installer: name => allowed.network(name) || INSTALLER.some(each => each.test(name)),
};

declare const listed: unique symbol;
/** Only `environment` makes one, so that no program is started with all that we know. */
export type Environment = NodeJS.ProcessEnv & { readonly [listed]: true };

/** `from` without what `audience` need not know, and with `more`, whose undefined values take away. */
export function environment(
  audience: Audience,
  more: NodeJS.ProcessEnv = {},
  from: NodeJS.ProcessEnv = process.env,
): Environment {
  const passed = Object.entries(from).filter(([name]) => allowed[audience](name.toUpperCase()));
  return { ...Object.fromEntries(passed), ...more } as Environment;
}
