import { readdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { MailTransport } from "../notify/email.ts";
import { safeName } from "../report/artifact.ts";
import { ReportError } from "../report/errors.ts";
import { errorCode, explainFileError, placeFile } from "./atomic-file.ts";

/**
 * Keeps every mail as an .eml file, which a mail client opens: `<UTC time>-<recipient>-<delivery>.eml`. The provider's
 * id is the file's name. Unlike a mail provider the folder can always be asked, so `find` never answers undefined.
 */
export function openOutbox(folder: string, now: () => Date = () => new Date()): MailTransport {
  const root = resolve(folder);
  return {
    async send({ to, raw, deliveryId }) {
      const name = `${formatTime(now())}-${nameRecipient(to)}${nameEnd(deliveryId)}`;
      try {
        await placeFile(join(root, name), (path) => writeFile(path, raw, { flag: "wx" }));
      } catch (thrown) {
        throw explain(thrown, root);
      }
      return name;
    },
    async find(deliveryId) {
      const end = nameEnd(deliveryId);
      const names = (await listFolder(root)).filter((name) => name.endsWith(end));
      for (const name of names.toSorted()) {
        if (await carriesDelivery(join(root, name), deliveryId)) return name;
      }
      return null;
    },
  };
}

/** Without colons, which some systems refuse in a file's name. */
function formatTime(time: Date): string {
  return time.toISOString().slice(0, 19).replaceAll(":", "-");
}

function nameRecipient(address: string): string {
  return safeName(address.replace("@", "-at-"), "recipient");
}

function nameEnd(deliveryId: string): string {
  return `-${safeName(deliveryId.slice(0, 12), "delivery")}.eml`;
}

/** The file's name holds only the beginning of the id; the headers hold all of it. */
async function carriesDelivery(path: string, deliveryId: string): Promise<boolean> {
  const head = await Bun.file(path).slice(0, HEADERS_BYTES_MAX).text();
  return head.includes(deliveryId);
}

const HEADERS_BYTES_MAX = 16_384;

async function listFolder(root: string): Promise<string[]> {
  try {
    return await readdir(root);
  } catch (thrown) {
    if (errorCode(thrown) === "ENOENT") return [];
    throw explain(thrown, root);
  }
}

function explain(thrown: unknown, root: string): ReportError {
  return new ReportError("delivery_failed", explainFileError(thrown, root, "OUTPUT_FOLDER"), {
    cause: thrown,
  });
}
