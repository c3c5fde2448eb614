// Owns what text that gives orders to an assistant looks like. It only names: nothing is removed for it, and text that
// it does not know passes unnamed. Must not know where a text came from.

/** Every repetition is bounded: a text of a megabyte costs its length. Spaces may be `_`, `-`, `/` in topics. */
const GAP = '[\\s_\\-/.,]{1,4}';
const phrases = [
  // "ignore all previous instructions", in some languages
  `(?:ignore|disregard|forget|override|bypass)${GAP}(?:(?:all|any|the|your|my|of|these|those)${GAP}){0,3}(?:previous|prior|above|earlier|preceding|system|safety|other)?${GAP}?(?:instructions?|prompts?|rules|guidelines|directives)`,
  `(?:ignoriere?|vergiss|missachte)${GAP}(?:(?:alle|die|deine|bisherigen|vorherigen|obigen|vorigen)${GAP}){0,3}(?:anweisungen|instruktionen|regeln|befehle)`,
  `(?:ignorez?|oubliez?)${GAP}(?:(?:toutes|les|tes|vos)${GAP}){0,3}(?:instructions|consignes|règles)`,
  `(?:ignora|olvida|ignore|esqueça|dimentica)${GAP}(?:(?:todas|tutte|las|le|as|tus|suas|tue)${GAP}){0,3}(?:instrucciones|instruções|istruzioni|reglas|regras|regole)`,
  `(?:игнорируй|забудь)(?:те)?${GAP}(?:(?:все|предыдущие|прежние)${GAP}){0,2}(?:инструкции|указания)`,
  '(?:忽略|无视|無視).{0,8}(?:指令|指示|说明|規則|规则|プロンプト)',
  '(?:以前|前|上記|これまで)の(?:すべての)?(?:指示|命令)を(?:無視|忘れ)',
  // a part in a conversation
  '(?:^|[\\n"\'>])\\s{0,4}(?:system|assistant|developer)(?:\\s(?:prompt|message))?\\s?:\\s',
  '<\\|?(?:im_start|im_end|system|endoftext|start_header_id)\\|?>|\\[/?INST\\]|<<SYS>>|</?(?:system|tool_call|function_calls?|antml:\\w{1,20})>',
  // what it should be, hide or do
  `you${GAP}are${GAP}(?:now|no longer)${GAP}(?:an?|the|in|bound)`,
  `(?:do${GAP}not|don'?t|never)${GAP}(?:tell|inform|mention|reveal|show)${GAP}(?:this${GAP})?(?:to${GAP})?(?:the|your)${GAP}(?:user|human|operator)`,
  `(?:new|updated|important)${GAP}(?:system${GAP})?instructions?${GAP}?(?:for${GAP}(?:the${GAP})?(?:ai|assistant|agent|model)|:)`,
  `(?:call|use|invoke|run|execute)${GAP}(?:(?:the|tool|function|mcp)${GAP}){0,3}(?:publish_message|send_and_verify|establish_connection|close_connection|test_connection|subscribe_and_collect)`,
  `(?:dear|hey|attention|note to|hello)${GAP}(?:the${GAP})?(?:ai|assistant|llm|chatgpt|claude|gemini|copilot)\\b`,
  `(?:reveal|print|show|send|repeat)${GAP}(?:me${GAP})?(?:your|the)${GAP}(?:system${GAP}prompt|credentials|api${GAP}keys?|passwords?)`,
];
const ORDER = new RegExp(phrases.join('|'), 'iu');

/** What can stand between the letters of a word unseen. */
const BETWEEN = /[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]|\u034f/g;
/** Tag characters are letters that nobody sees; nothing but a flag is written with them. */
const TAGS = /[\u{e0020}-\u{e007e}]{4,}/u;
/** No phrase is shorter. */
const SHORTEST = 7;
/** A text is looked at that far; results hold parts of payloads, so this is a bound for one that is shown whole. */
const MOST = 256 * 1024;

/** Where in the text it begins, undefined where nothing does. */
export function looksLikeInstructions(whole: string): number | undefined {
  if (whole.length < SHORTEST) return undefined;
  const text = whole.length > MOST ? whole.slice(0, MOST) : whole;
  const at = text.search(ORDER);
  if (at !== -1) return at;
  const tags = text.search(TAGS);
  if (tags !== -1) return tags;
  if (text.search(BETWEEN) === -1) return undefined;
  return ORDER.test(text.replace(BETWEEN, '')) ? 0 : undefined;
}
