/** HTML as strings. Children are markup already; what users named passes through `escapeHtml`. */
import { element, escapeXml } from '../plots/svg.js';

/** Text and attribute values: HTML's special characters are XML's. */
export const escapeHtml = escapeXml;

/** An element that has a closing tag whether or not it is empty. */
export function tag(name: string, attributes: Record<string, string | undefined>, ...children: string[]): string {
  return children.length > 0 ? element(name, attributes, ...children) : element(name, attributes, '');
}
