import Vocabulary

/// The last stage of a Dockerfile, as far as it says where something about the container is
/// (docs.docker.com, Dockerfile reference).
package struct Dockerfile: Sendable {
    /// One instruction, its continuation lines joined.
    package struct Instruction: Sendable {
        /// In capitals.
        package let name: String
        /// What comes after the name.
        package let arguments: String
        /// Where it begins, from 1.
        package let line: Int

        /// The words of the exec form, or the text of the shell form in the shell.
        var command: [String] {
            if arguments.hasPrefix("["), let node = try? JSONNode(Array(arguments.utf8), name: "it"),
                let words = try? node.strings()
            {
                return words
            }
            return ["/bin/sh", "-c", arguments]
        }
    }

    /// Those of the last stage, in their order.
    package let instructions: [Instruction]

    /// Reads one. What is no instruction is passed over.
    package init(_ text: String) {
        var all: [Instruction] = []
        var pending = ""
        var begin = 0
        var ends: [String] = []
        var escape: Character = "\\"
        for (number, raw) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let line = raw.trimming(while: \.isWhitespace)
            if let end = ends.first {
                // A here-document, up to its last line.
                if line == end { ends.removeFirst() }
                continue
            }
            if pending.isEmpty, all.isEmpty, line.hasPrefix("#"), line.filter({ !$0.isWhitespace }) == "#escape=`" {
                escape = "`"
            }
            if line.isEmpty || line.hasPrefix("#") { continue }
            if pending.isEmpty { begin = number + 1 }
            if line.last == escape {
                pending += line.dropLast() + " "
                continue
            }
            let parts = (pending + line).split(maxSplits: 1, whereSeparator: \.isWhitespace).map(String.init)
            pending = ""
            guard let name = parts.first?.uppercased() else { continue }
            let arguments = parts.count > 1 ? parts[1].trimming(while: \.isWhitespace) : ""
            if name == "FROM" { all = [] }
            if ["RUN", "COPY", "ADD"].contains(name) { ends = Dockerfile.hereDocuments(arguments) }
            all.append(Instruction(name: name, arguments: arguments, line: begin))
        }
        instructions = all
    }

    /// The last lines of the here-documents that an instruction begins: `<<EOF`, `<<-"EOF"`.
    private static func hereDocuments(_ arguments: String) -> [String] {
        arguments.split(whereSeparator: \.isWhitespace).compactMap { word in
            guard word.hasPrefix("<<"), !word.hasPrefix("<<<") else { return nil }
            let name = word.dropFirst(2).trimmingPrefix("-").filter { $0 != "\"" && $0 != "'" }
            return name.isEmpty ? nil : String(name)
        }
    }

    /// The last instruction of one of these names, the first name first.
    package func instruction(_ names: String...) -> Instruction? {
        names.lazy.compactMap { name in instructions.last { $0.name == name } }.first
    }

    /// The file of the build's context that is the container's program; nil: it is no file that is copied.
    package var programInContext: String? {
        guard let program = instruction("ENTRYPOINT", "CMD")?.command.first else { return nil }
        let base = program.split(separator: "/").last.map(String.init) ?? program
        for copy in instructions.reversed() where copy.name == "COPY" || copy.name == "ADD" {
            let words =
                copy.arguments.hasPrefix("[")
                ? copy.command
                : copy.arguments.split(whereSeparator: \.isWhitespace).map(String.init).filter { !$0.hasPrefix("--") }
            guard words.count > 1, let target = words.last, !copy.arguments.contains("--from=") else { continue }
            for source in words.dropLast() {
                let name = source.split(separator: "/").last.map(String.init) ?? source
                if target == program || (name == base && (target.hasSuffix("/") || program.hasPrefix(target))) {
                    return source.hasPrefix("/") ? String(source.dropFirst()) : source
                }
            }
        }
        return nil
    }
}

extension StringProtocol {
    /// Without what is so at its beginning and its end.
    fileprivate func trimming(while isSo: (Character) -> Bool) -> String {
        String(String(drop(while: isSo).reversed()).drop(while: isSo).reversed())
    }
}
