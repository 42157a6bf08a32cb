import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Citation } from "@/api/types";
import { AnswerContext } from "@/features/chat/answerContext";
import { splitBlocks } from "@/features/chat/markdown/blocks";
import Markdown, { hostOf } from "@/features/chat/markdown/Markdown";
import { I18nProvider } from "@/i18n";

const citation: Citation = {
  number: 1,
  passage_id: "p1",
  document_id: "d1",
  version_number: 1,
  document_name: "Handbook.pdf",
  collection_id: "c1",
  collection_name: "Handbook",
  page: 3,
  heading_path: [],
  quote: "Every employee has 25 days.",
};

function show(text: string, open: (citation: Citation) => void = () => undefined): HTMLElement {
  const { container } = render(
    <I18nProvider>
      <AnswerContext value={{ citations: [citation], openPassageId: null, open }}>
        <Markdown text={text} />
      </AnswerContext>
    </I18nProvider>,
  );
  return container;
}

describe("an answer's Markdown", () => {
  afterEach(cleanup);

  it("never becomes HTML of its own", () => {
    const shown = show('Hi <script>alert(1)</script> <img src="https://x.test/a.png" onerror="alert(1)">');
    expect(shown.querySelector("script, img")).toBeNull();
    expect(shown.textContent).toContain("<script>alert(1)</script>");
  });

  it("loads no image", () => {
    const shown = show("![chart](https://x.test/a.png)");
    expect(shown.querySelector("img")).toBeNull();
    expect(shown.textContent).toContain("chart");
  });

  it("shows where a link leads and gives nothing away", () => {
    const shown = show("[your bank](https://evil.test/login)");
    expect(shown.textContent).toContain("(evil.test)");
    expect(shown.querySelector("a")?.rel).toBe("noopener noreferrer nofollow");
  });

  it("makes no link of a script", () => {
    expect(show("[click](javascript:alert(1))").querySelector("a")).toBeNull();
  });

  it("turns a known mark into a button that opens its source", () => {
    const open = vi.fn();
    show("You have 25 days [1]. Really [2].", open);
    const buttons = screen.getAllByRole("button");
    expect(buttons.map((button) => button.getAttribute("aria-label"))).toEqual([
      "Source 1: Handbook.pdf, page 3",
    ]);
    fireEvent.click(buttons[0] as HTMLElement);
    expect(open).toHaveBeenCalledWith(citation);
  });

  it("shows the quoted sentence when the mark is hovered", () => {
    show("You have 25 days [1].");
    fireEvent.mouseEnter(screen.getByRole("button"));
    expect(screen.getByRole("tooltip").textContent).toContain("Every employee has 25 days.");
  });

  it("leaves marks in code alone", () => {
    const shown = show("Take `items[1]` from it.");
    expect(shown.querySelector("code")?.textContent).toBe("items[1]");
    expect(screen.queryByRole("button")).toBeNull();
  });
});

describe("hosts", () => {
  it("are those of web and mail links only", () => {
    expect(hostOf("https://a.test:8443/x")).toBe("a.test:8443");
    expect(hostOf("mailto:me@a.test")).toBe("me@a.test");
    expect(hostOf("/library")).toBeNull();
    expect(hostOf("data:text/html,x")).toBeNull();
  });
});

describe("blocks", () => {
  it("are cut at blank lines but not inside a fence", () => {
    const text = "One.\n\n```py\na = 1\n\nb = 2\n```\n\nTwo.";
    expect(splitBlocks(text)).toEqual(["One.", "```py\na = 1\n\nb = 2\n```", "Two."]);
  });

  it("hold a loose list together with its paragraphs", () => {
    const text = "1. one\n\n   more\n\n2. two\n\nEnd.";
    expect(splitBlocks(text)).toEqual(["1. one\n\n   more\n\n2. two", "End."]);
  });

  it("keep an unfinished fence whole while it streams", () => {
    expect(splitBlocks("Look:\n\n```\na\n\nb")).toEqual(["Look:", "```\na\n\nb"]);
  });
});
