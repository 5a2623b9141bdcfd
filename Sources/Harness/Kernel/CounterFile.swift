import Glibc

/// A number in a file of the kernel, kept open to be asked often: what comes after a word, `oom_kill 3`.
package final class CounterFile: Sendable {
    private let file: Descriptor
    private let word: String

    /// Nil where there is no such file.
    package init?(_ path: String, word: String) {
        guard let file = try? Descriptor.open(path, .read) else { return nil }
        self.file = file
        self.word = word
    }

    /// 0 where there is nothing of the kind.
    package var value: Int {
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
            let count = pread(file.rawValue, buffer.baseAddress, buffer.count, 0)
            guard count > 0 else { return 0 }
            for line in buffer[..<count].split(separator: UInt8(ascii: "\n")) {
                let words = line.split(separator: UInt8(ascii: " "))
                guard words.count == 2, words[0].elementsEqual(word.utf8) else { continue }
                return Int(String(decoding: words[1], as: UTF8.self)) ?? 0
            }
            return 0
        }
    }
}
