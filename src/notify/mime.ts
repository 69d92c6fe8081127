import MailComposer from "nodemailer/lib/mail-composer";
import { encodeWord } from "nodemailer/lib/mime-funcs";
import type { Attachment, Message } from "../report/message.ts";

interface MailHead {
  /** As MAIL_FROM gives it: an address, or a name with one in angle brackets. */
  readonly from: string;
  readonly to: string;
  readonly deliveryId: string;
  /** Behind the "@" of the Message-ID. */
  readonly domain: string;
  readonly date: Date;
}

/**
 * The bytes of a mail as they go over the wire: RFC 5322 and MIME, lines ended by CRLF, names and subjects encoded by
 * RFC 2047 and 2231. The Message-ID comes from the delivery, so a mail that is sent twice is one to a mail client.
 */
export async function composeMail(head: MailHead, message: Message): Promise<Uint8Array> {
  return await new MailComposer({
    from: head.from,
    to: { name: "", address: head.to },
    subject: protectSubject(message.subject.toWellFormed()),
    date: head.date,
    messageId: `<${head.deliveryId}@${head.domain}>`,
    headers: { "X-Report-Delivery": head.deliveryId, "Auto-Submitted": "auto-generated" },
    text: message.text.toWellFormed(),
    html: message.html.toWellFormed(),
    attachments: message.attachments.map(describeAttachment),
    // Text that happens to look like a path or a URL must never be read from the disk or the network.
    disableFileAccess: true,
    disableUrlAccess: true,
    newline: "windows",
  })
    .compile()
    .build();
}

/** The composer passes on what is already encoded (RFC 2047), so a subject could say other than what was written. */
function protectSubject(subject: string): string {
  return subject.includes("=?") ? encodeWord(subject, "B", ENCODED_WORD_LENGTH) : subject;
}

/** At most 75 characters with "=?UTF-8?B?" and "?=" around them (RFC 2047, section 2). */
const ENCODED_WORD_LENGTH = 52;

/** The composer sends every attachment as base64, CSV too, so that no mail server touches its line ends. */
function describeAttachment({ fileName, mediaType, bytes, contentId }: Attachment) {
  return {
    ...(contentId === undefined ? {} : { cid: contentId, contentDisposition: "inline" as const }),
    filename: fileName.toWellFormed(),
    contentType: mediaType,
    content: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  };
}
