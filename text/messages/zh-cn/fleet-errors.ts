/** 简体中文：机群的错误。 */
import { message, type SomeErrors } from '../catalogue.ts';
import { obstacleText, optional } from './words.ts';

export const fleetErrors: SomeErrors<
  | 'fleetUnreachable'
  | 'fleetRefused'
  | 'fleetUnproven'
  | 'fleetUnprepared'
  | 'fleetNewer'
  | 'noFleet'
  | 'fleetGaveUp'
  | 'fleetExpired'
  | 'noPostgresHere'
  | 'postgresAsRoot'
  | 'postgresFailed'
  | 'noOpenssl'
> = {
  fleetUnreachable: a =>
    message(
      `无法连接 ${a.host} 上的机群数据库${optional('：', obstacleText(a.why))}。`,
      '本机的任务照常进行。机群的任务会在恢复连接后继续。',
    ),
  fleetRefused: a =>
    message(
      `${a.host} 上的机群数据库拒绝了登录名 ${a.login}。`,
      '请向管理员核对名称和密码，然后用 `earshot fleet join` 重新加入。',
    ),
  fleetUnproven: a =>
    message(
      `在 ${a.host} 上以机群数据库的身份应答的程序未能证明它知道 ${a.login} 的密码。`,
      '如果它确实是数据库，其 pg_hba.conf 中应为 `scram-sha-256`；否则是别的程序占用了它的端口。',
    ),
  fleetUnprepared: () =>
    message('机群数据库中没有 Earshot 的表，或者版本过旧。', '请管理员用当前版本运行 `earshot fleet init`。'),
  fleetNewer: a =>
    message(
      `机群的表版本为 ${a.found}，当前 Earshot 只认识 ${a.known}，未作任何改动。`,
      '请更新这台机器上的 Earshot。',
    ),
  noFleet: a =>
    message(
      a.needs === 'machine'
        ? '这台机器在机群中没有自己的登录名。'
        : a.needs === 'person'
          ? '这台机器没有以您的登录名加入机群。'
          : '这台机器不属于任何机群。',
      '请用 `earshot fleet join` 加入。',
    ),
  fleetGaveUp: a =>
    message(
      `机群中有 ${a.times} 台机器在处理此录音时退出，任务已搁置。`,
      '请用 `earshot fleet here` 在本机运行以查明原因，然后重试。',
    ),
  fleetExpired: a =>
    message(
      `机群中没有机器在 ${a.days} 天内接手此录音。`,
      '请用 `earshot why` 查看它需要什么，或用 `earshot fleet here` 在本机运行，然后重试。',
    ),
  noPostgresHere: () =>
    message(
      'npm 上没有适用于这种机器的 PostgreSQL。',
      '请按系统的方式安装 PostgreSQL，然后用 `earshot fleet init` 准备。',
    ),
  postgresAsRoot: () =>
    message('PostgreSQL 不能以 root 身份运行。', '请以其他用户（例如专用用户）运行 `earshot fleet host`。'),
  postgresFailed: a =>
    message(
      'PostgreSQL 未能启动，或已退出。',
      a.log ? `原因见 ${a.log}：可能是端口被占用，或文件夹正被另一个实例使用。` : '请重试。',
    ),
  noOpenssl: () =>
    message(
      '供其他机器使用的证书由 OpenSSL 生成，但 PATH 中没有它。',
      '请安装 OpenSSL，或使用 `--local` 仅在本机共享机群。',
    ),
};
