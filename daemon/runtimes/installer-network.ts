/** pip, uv and npm reach the network as this process does: by the same proxies, trusting the same certificates. */
import { join } from 'node:path';
import { writeAnew } from '../../client/files.ts';
import { proxyEnvironment } from '../../client/proxies.ts';
import { trustedCertificates, useNetwork } from '../system/network.ts';

/** What is added to an installer's environment. `folder`: for the list of certificates, as long as it runs. */
export async function installerNetwork(folder: string, env: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> {
  useNetwork(env);
  const certificates = trustedCertificates(),
    path = join(folder, 'certificates.pem');
  if (!certificates) return proxyEnvironment(env);
  await writeAnew(path, certificates, 0o600);
  // What the environment names is among them; where pip has a list of its own, its user chose that.
  const pipHasOne = env.PIP_CERT ?? env.REQUESTS_CA_BUNDLE ?? env.CURL_CA_BUNDLE;
  return {
    ...proxyEnvironment(env),
    SSL_CERT_FILE: path,
    NODE_EXTRA_CA_CERTS: path,
    ...(pipHasOne ? {} : { PIP_CERT: path }),
  };
}
