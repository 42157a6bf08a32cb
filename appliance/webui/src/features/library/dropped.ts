export interface FileToUpload {
  file: File;
  /** Its name within the source, with folders. */
  path: string;
}

export function pickedFiles(list: FileList): FileToUpload[] {
  return [...list].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/** All files of a drop, folders opened to any depth. Must be called while the drop event is being handled. */
export async function droppedFiles(transfer: DataTransfer): Promise<FileToUpload[]> {
  const entries = [...transfer.items]
    .map((item) => item.webkitGetAsEntry())
    .filter((entry) => entry !== null);
  const nested = await Promise.all(entries.map(filesOf));
  return nested.flat();
}

async function filesOf(entry: FileSystemEntry): Promise<FileToUpload[]> {
  if (isFile(entry)) {
    const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
    return [{ file, path: entry.fullPath.replace(/^\//, "") }];
  }
  if (!isDirectory(entry)) return [];
  const reader = entry.createReader();
  const found: FileToUpload[] = [];
  for (;;) {
    // A reader hands out a folder in portions; an empty one is the end.
    const portion = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (portion.length === 0) return found;
    const nested = await Promise.all(portion.map(filesOf));
    found.push(...nested.flat());
  }
}

const isFile = (entry: FileSystemEntry): entry is FileSystemFileEntry => entry.isFile;
const isDirectory = (entry: FileSystemEntry): entry is FileSystemDirectoryEntry => entry.isDirectory;
