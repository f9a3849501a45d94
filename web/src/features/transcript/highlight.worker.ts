import { createCssVariablesTheme, createHighlighterCore } from 'shiki/core';
import { createJavaScriptRegexEngine } from 'shiki/engine/javascript';

/** A piece of a line with its colour, a CSS value. */
export type Token = [text: string, colour: string | null];
export interface Request {
  id: number;
  code: string;
  language: string;
}

const LANGUAGES = {
  bash: () => import('shiki/langs/bash.mjs'),
  c: () => import('shiki/langs/c.mjs'),
  cpp: () => import('shiki/langs/cpp.mjs'),
  css: () => import('shiki/langs/css.mjs'),
  diff: () => import('shiki/langs/diff.mjs'),
  go: () => import('shiki/langs/go.mjs'),
  html: () => import('shiki/langs/html.mjs'),
  java: () => import('shiki/langs/java.mjs'),
  javascript: () => import('shiki/langs/javascript.mjs'),
  json: () => import('shiki/langs/json.mjs'),
  kotlin: () => import('shiki/langs/kotlin.mjs'),
  markdown: () => import('shiki/langs/markdown.mjs'),
  php: () => import('shiki/langs/php.mjs'),
  python: () => import('shiki/langs/python.mjs'),
  ruby: () => import('shiki/langs/ruby.mjs'),
  rust: () => import('shiki/langs/rust.mjs'),
  sql: () => import('shiki/langs/sql.mjs'),
  swift: () => import('shiki/langs/swift.mjs'),
  toml: () => import('shiki/langs/toml.mjs'),
  tsx: () => import('shiki/langs/tsx.mjs'),
  typescript: () => import('shiki/langs/typescript.mjs'),
  xml: () => import('shiki/langs/xml.mjs'),
  yaml: () => import('shiki/langs/yaml.mjs'),
} as const;

const OTHER_NAMES: Record<string, keyof typeof LANGUAGES> = {
  sh: 'bash',
  shell: 'bash',
  zsh: 'bash',
  console: 'bash',
  js: 'javascript',
  jsx: 'tsx',
  mjs: 'javascript',
  ts: 'typescript',
  py: 'python',
  rs: 'rust',
  rb: 'ruby',
  yml: 'yaml',
  md: 'markdown',
  h: 'c',
  cc: 'cpp',
  hpp: 'cpp',
  kt: 'kotlin',
  patch: 'diff',
  jsonc: 'json',
  svg: 'xml',
};

/** More pieces than this would stop the page that shows them. */
const MAX_TOKENS = 8_000;

const theme = createCssVariablesTheme({ name: 'marline', variablePrefix: '--code-', fontStyle: false });
const highlighter = createHighlighterCore({
  themes: [theme],
  langs: [],
  engine: createJavaScriptRegexEngine({ forgiving: true }),
});
const loaded = new Set<string>();

function known(language: string): keyof typeof LANGUAGES | null {
  const name = language.toLowerCase();
  if (name in LANGUAGES) return name as keyof typeof LANGUAGES;
  return OTHER_NAMES[name] ?? null;
}

self.onmessage = async ({ data }: MessageEvent<Request>) => {
  const language = known(data.language);
  let lines: Token[][] | null = null;
  if (language) {
    try {
      const core = await highlighter;
      if (!loaded.has(language)) {
        const { default: grammar } = await LANGUAGES[language]();
        await core.loadLanguage(...grammar);
        loaded.add(language);
      }
      const { tokens } = core.codeToTokens(data.code, { lang: language, theme: 'marline' });
      const count = tokens.reduce((sum, line) => sum + line.length, 0);
      if (count <= MAX_TOKENS) lines = tokens.map((line) => line.map((token) => [token.content, token.color ?? null]));
    } catch {
      // Code in plain letters is code all the same.
    }
  }
  self.postMessage({ id: data.id, lines });
};
