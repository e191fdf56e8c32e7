/** A reader of XML that is strict about what makes a document well-formed, for documents without DTD, comments and CDATA. */

export interface XmlElement {
  name: string;
  attributes: Record<string, string>;
  children: (XmlElement | string)[];
}

/** Throws where the text is not one well-formed element. */
export function parseXml(text: string): XmlElement {
  const root: XmlElement = { name: '', attributes: {}, children: [] };
  const open = [root];
  const token = /<\/([\w:-]+)>|<([\w:-]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/gy;
  while (token.lastIndex < text.length) {
    const at = token.lastIndex;
    const found = token.exec(text);
    if (!found) throw new Error(`not well-formed at ${at}: ${text.slice(at, at + 60)}`);
    const [, closing, opening, attributes, single, content] = found;
    const parent = open[open.length - 1];
    if (content !== undefined) parent.children.push(decode(content));
    else if (closing !== undefined) {
      if (open.length === 1 || open.pop()?.name !== closing) throw new Error(`</${closing}> closes nothing`);
    } else {
      const child: XmlElement = { name: opening, attributes: {}, children: [] };
      for (const [, key, value] of attributes.matchAll(/([\w:-]+)="([^"]*)"/g)) {
        if (Object.hasOwn(child.attributes, key)) throw new Error(`two attributes ${key}`);
        child.attributes[key] = decode(value);
      }
      parent.children.push(child);
      if (single === '') open.push(child);
    }
  }
  if (open.length > 1) throw new Error(`<${open[open.length - 1].name}> is not closed`);
  const [only, ...more] = root.children;
  if (only === undefined || typeof only === 'string' || more.length > 0) throw new Error('not one element');
  return only;
}

export function elementsOf(root: XmlElement, name: string): XmlElement[] {
  const inner = root.children.flatMap((child) => (typeof child === 'string' ? [] : elementsOf(child, name)));
  return root.name === name ? [root, ...inner] : inner;
}

export function textOf(node: XmlElement | string): string {
  return typeof node === 'string' ? node : node.children.map(textOf).join('');
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

function decode(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: characters that XML does not allow
  if (/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/.test(text) || /\p{Cs}/u.test(text))
    throw new Error('a character XML lacks');
  return text.replace(/&([^;]*);?/g, (whole, name: string) => {
    const character = whole.endsWith(';') && Object.hasOwn(ENTITIES, name) ? ENTITIES[name] : undefined;
    if (character === undefined) throw new Error(`unknown entity ${whole.slice(0, 20)}`);
    return character;
  });
}
