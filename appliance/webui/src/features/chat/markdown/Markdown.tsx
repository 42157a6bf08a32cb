import type { Element } from "hast";
import { type ComponentProps, isValidElement, memo, type ReactNode } from "react";
import ReactMarkdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";
import { CitationMark } from "@/features/chat/CitationMark";
import { splitBlocks } from "@/features/chat/markdown/blocks";
import { CodeBlock } from "@/features/chat/markdown/CodeBlock";
import { rehypeCitations } from "@/features/chat/markdown/citations";
import { useI18n } from "@/i18n";

/**
 * A model's text is not to be trusted: HTML in it stays text (the parser is never told to read it), images are
 * not loaded, and a link shows the host that it really leads to.
 */
export default function Markdown({ text }: { text: string }) {
  return splitBlocks(text).map((block, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: blocks only ever grow at the end
    <Block key={index} text={block} />
  ));
}

const remarkPlugins = [remarkGfm];
const rehypePlugins = [rehypeCitations];

const Block = memo(function Block({ text }: { text: string }) {
  return (
    <ReactMarkdown remarkPlugins={remarkPlugins} rehypePlugins={rehypePlugins} components={components}>
      {text}
    </ReactMarkdown>
  );
});

const components: Components = {
  a: SafeLink,
  img: LeftOutImage,
  pre: Code,
  table: ScrollingTable,
  cite: ({ node }) => <CitationMark number={Number(node?.properties.dataNumber)} />,
};

function SafeLink({ href, children }: ComponentProps<"a">) {
  const host = hostOf(href);
  if (!href || !host) return <span>{children}</span>;
  const shown = typeof children === "string" && children.includes(host);
  return (
    <>
      <a href={href} target="_blank" rel="noopener noreferrer nofollow">
        {children}
      </a>
      {!shown && <span className="link-host"> ({host})</span>}
    </>
  );
}

/** The host of a web or mail link; null for anything else, which is then no link at all. */
export function hostOf(href: string | undefined): string | null {
  if (!href || !URL.canParse(href)) return null;
  const url = new URL(href);
  if (url.protocol === "mailto:") return url.pathname;
  return url.protocol === "https:" || url.protocol === "http:" ? url.host : null;
}

function LeftOutImage({ alt }: ComponentProps<"img">) {
  const { t } = useI18n();
  return <span className="image-left-out">{t("chat.image_left_out", { alt: alt || "–" })}</span>;
}

/** A wide table scrolls by itself, so that the page does not. */
function ScrollingTable({ children }: ComponentProps<"table">) {
  return (
    <div className="table-wrap">
      <table>{children}</table>
    </div>
  );
}

function Code({ children, node }: ComponentProps<"pre"> & { node?: Element }) {
  const first = node?.children[0];
  const names = first?.type === "element" ? first.properties.className : undefined;
  const name = Array.isArray(names) ? names.find((item) => String(item).startsWith("language-")) : undefined;
  return (
    <CodeBlock
      code={textOf(children).replace(/\n$/, "")}
      language={String(name ?? "").replace("language-", "")}
    />
  );
}

function textOf(node: ReactNode): string {
  if (typeof node === "string" || typeof node === "number") return String(node);
  if (Array.isArray(node)) return node.map(textOf).join("");
  if (isValidElement<{ children?: ReactNode }>(node)) return textOf(node.props.children);
  return "";
}
