/**
 * Words by which speech tries to steer a model instead of being translated or summed up. What is found here is looked
 * at more closely; nothing is refused for its words alone.
 */

/** Words of somebody who speaks to a translator or a model, in the languages that are heard most. */
const SPOKEN_TO =
  /\b(ignor|disregard|forget|instead|translat|interpret|instruct|prompt|assistant|system message|output|json|answer|repl(y|ies)|respond|pretend|no longer|from now on|say (only|just)|(say|state) that|tell the|repeat|write|return)|\b(olvid|lugar de|tradu[cz]|traslad|intérprete|instrucci|asistente|respond|conteste|di (que|solo|sólo)|escrib|devuelv)|\b(vergiss|missacht|anweisung|übersetz|dolmetsch|stattdessen|antwort|ausgabe|gib|schreib|sage? (nur|einfach|dass)|wiederhol)|\b(oubli|tradui|interprète|consigne|répon|à la place|écri|dites|dis (que|seulement)|répét)|\b(esque[cç]|instru|tradut|em vez|escrev|repita|dimentica|istruzion|rispond|invece|scriv|ripet)|忽略|忘记|忘了|无视|指示|指令|提示|翻译|翻譯|口译|回答|答复|回复|只说|输出|扮演|助手|不要|無視|翻訳|通訳|答え|出力|игнорир|забуд|инструкц|перев[оеё]д|ответ|вывед|напиши|скажи|повтори/iu;

export const mayBeSpokenTo = (text: string): boolean => SPOKEN_TO.test(text);

/** Sentences that give a model an order about its own task, and hardly mean anything else. */
const ORDERS: readonly RegExp[] = [
  /\b(ignore|disregard|forget|override)\b.{0,60}\b(instruct|prompt|task|transcript|above|previous|everything|rules|message|recording)/iu,
  /\b(stop|don'?t|do not|instead of|no longer)\b.{0,30}\b(translat|summar|sum(ming)? up|interpret)/iu,
  /\b(the|your|this) (summary|translation|notes?) (must|should|shall|has to|is to|will|of this|is:?$)/iu,
  /\b(answer|respond|reply|write|output|print|say|return)( only| just)? (with|the (word|text|number|sentence|json))\b/iu,
  /\b(system|developer) (message|prompt|instruction)|\bnew instructions?\b|\byou are (now|no longer)\b|\bas an ai\b/iu,
  /\b(write|say|state|claim|report|mention)\b.{0,30}\b(in|as) (the|your) (summary|translation|notes?)\b/iu,
  /\b(dear|attention|note to( the)?|message (to|for)( the)?) (assistant|model|ai|summari[sz]er|translator|interpreter|transcriber)\b/iu,
  /\b(ignora|olvida|descarta)\w*\b.{0,60}(instrucci|anterior|mensaje|tarea)/iu,
  /\b(no|deja de|en lugar de|en vez de)\b.{0,20}\b(tradu[cz]|resum)|\b(el|tu|su) (resumen|traducción)\b.{0,20}\b(debe|tiene que|será|es:?)/iu,
  /\b(responde|contesta|escribe|di)\w*( solo| sólo| solamente| únicamente)? (con|la palabra|el texto)\b/iu,
  /\b(ignorier|vergiss|missacht)\w*.{0,60}(anweisung|bisherig|vorherig|aufgabe|nachricht)|\b(antworte|schreibe?|sage?)( nur)? (mit|das wort|den text)\b/iu,
  /\bnicht\b.{0,20}(übersetz|zusammenfass)|(statt|anstatt).{0,30}(übersetz|zusammenfass)|die (zusammenfassung|übersetzung) (muss|soll|lautet)/iu,
  /\b(ignore[sz]?|oublie[sz]?)\b.{0,60}(instruction|consigne|précédent)|\bau lieu de\b.{0,20}(tradui|résum)|\b(réponds|répondez|écris|écrivez)( seulement)? (par|avec|le mot)\b/iu,
  /(忽略|忘记|无视|不要理会).{0,20}(指示|指令|提示|任务|以上|之前)|不要(翻译|总结|概括)|(只|仅)(回答|输出|回复|写)|(总结|摘要|翻译)(必须|应该|应当)/u,
];

export const givesOrders = (sentence: string): boolean => ORDERS.some(order => order.test(sentence));
