/** 简体中文：守护进程及其数据库的错误。 */
import { message, type SomeErrors } from '../catalogue.ts';
import { optional } from './words.ts';

export const daemonErrors: SomeErrors<
  | 'daemonRunning'
  | 'portTaken'
  | 'daemonUnreachable'
  | 'daemonFailed'
  | 'wrongToken'
  | 'wrongVersion'
  | 'storeNewer'
  | 'storeBroken'
  | 'storeRestored'
  | 'storeBusy'
  | 'internal'
> = {
  daemonRunning: a => message(`守护进程已在运行${optional('（进程 ', a.pid, '）')}。`),
  portTaken: a =>
    message(
      `端口 ${a.port} 已被占用，HTTP 接口无法使用。`,
      '请用 `earshot settings set http \'{"port": …}\'` 换一个端口。',
    ),
  daemonUnreachable: () =>
    message('无法连接守护进程。', '运行 `earshot daemon start` 启动它，或运行 `earshot daemon logs` 查看原因。'),
  daemonFailed: () =>
    message('守护进程因内部错误停止。', '重新启动后，未完成的任务会继续。详情见 `earshot daemon logs`，请反馈给我们。'),
  wrongToken: () =>
    message('守护进程拒绝了连接：令牌不符。', '请重试。如果仍然如此，请运行 `earshot daemon stop` 后重新启动。'),
  wrongVersion: a =>
    message(`守护进程的版本是 ${a.daemon}，当前版本无法与它配合。`, '请更新本程序，或用启动它的程序停止它。'),
  storeNewer: a => message('队列由更新版本的 Earshot 写入，未作任何改动。', `请更新 Earshot，或移走 ${a.path}。`),
  storeBroken: a => message(`队列数据库 ${a.path} 已损坏。`, '备份在旁边的 backups 文件夹中。'),
  storeRestored: a =>
    message(
      `队列数据库已损坏，已移到 ${a.path}。${a.backup ? '已恢复最新备份。' : '没有备份，队列为空。'}${
        a.count > 0 ? `当时未完成：${a.jobs}。` : ''
      }`,
      '请检查队列中是否缺少任务。',
    ),
  storeBusy: a => message(`另一个程序正在使用队列数据库 ${a.path}。`, '请关闭该程序后重试。'),
  internal: () => message('Earshot 发生内部错误。', '详情见 `earshot daemon logs`，请反馈给我们。'),
};
