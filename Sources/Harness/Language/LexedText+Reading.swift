import Model

/// Lines and blocks of a text, and what is around them.
extension LexedText {
    /// The comment lines right above a line, without `#` and the space behind it.
    func comment(above index: Int) -> String {
        var end = Int(lines[index].start)
        var result: [String] = []
        while end > byteOrderMarkLength {
            // `end` is behind the LF of the line before.
            var start = end - 1
            while start > byteOrderMarkLength, bytes[start - 1] != 0x0A { start -= 1 }
            var content = bytes[start..<(end - 1)]
            // White space at the end of a comment is no part of it: the formatter takes it away.
            while let last = content.last, last == 0x20 || last == 0x09 || last == 0x0D { content = content.dropLast() }
            content = content.drop { $0 == 0x20 || $0 == 0x09 }
            // What is indented further belongs to what is above.
            guard content.first == 0x23,
                content.startIndex - start == Int(lines[index].contentStart - lines[index].start)
            else { break }
            content = content.drop { $0 == 0x23 }
            if content.first == 0x20 { content = content.dropFirst() }
            result.append(String(decoding: content, as: UTF8.self))
            end = start
        }
        return result.reversed().joined(separator: "\n")
    }

    /// The line of this number; lines are in order.
    func line(number: Int) -> Line? {
        var range = lines.startIndex..<lines.endIndex
        while !range.isEmpty {
            let middle = (range.lowerBound + range.upperBound) / 2
            if Int(lines[middle].number) == number { return lines[middle] }
            range = Int(lines[middle].number) < number ? (middle + 1)..<range.upperBound : range.lowerBound..<middle
        }
        return nil
    }

    /// Where a word, or an element of a list, is on a line, the first word apart.
    func range(of subject: String, in line: Line) -> (start: Int32, end: Int32)? {
        for token in tokens[Int(line.firstToken)..<Int(line.endOfTokens)].dropFirst() {
            if text(token) == subject { return (token.start, token.end) }
            var start = token.start
            for element in text(token.start, token.end).split(separator: ",", omittingEmptySubsequences: false) {
                let end = start + Int32(element.utf8.count)
                if element == subject { return (start, end) }
                start = end + 1
            }
        }
        return nil
    }

    /// The lines in the block of a line: those after it that are deeper.
    func block(of index: Int) -> Range<Int> {
        var end = index + 1
        while end < lines.count, lines[end].level > lines[index].level { end += 1 }
        return (index + 1)..<end
    }

    /// The lines of a range that are outermost in it, each with its block.
    func entries(in range: Range<Int>) -> some Sequence<(index: Int, block: Range<Int>)> {
        sequence(state: range.lowerBound) { next in
            guard next < range.upperBound else { return nil }
            let block = block(of: next)
            defer { next = block.upperBound }
            return (next, block)
        }
    }

    /// The text of a file: what comes after `| ` on the lines of a block.
    func fileText(_ block: Range<Int>, under parent: Int, complain diagnostics: inout [Diagnostic]) -> String {
        var result: [UInt8] = []
        var hasEnd = false
        for index in block {
            let line = lines[index]
            let start = Int(line.contentStart), end = Int(line.end)
            guard line.isText else {
                diagnostics.append(
                    Diagnostic(
                        .unexpected, "the lines of a file begin with '| '", at: place(line),
                        notes: [.init("the file is this", at: place(lines[parent]))]))
                continue
            }
            if line.level != lines[parent].level + 1 {
                diagnostics.append(
                    Diagnostic(
                        .badIndentation, "the lines of a file are aligned", at: place(line),
                        notes: [.init("the file is this", at: place(lines[parent]))]))
            }
            let content = bytes[(start + 1)..<end]
            if hasEnd {
                diagnostics.append(Diagnostic(.unexpected, "the text has ended in the line above", at: place(line)))
            } else if content.elementsEqual([0x5C]) {
                hasEnd = true
                if result.last == 0x0A {
                    result.removeLast()
                } else {
                    diagnostics.append(
                        Diagnostic(.unexpected, "there is no line above that could end here", at: place(line)))
                }
            } else if content.isEmpty || content.first == 0x20 {
                result += content.dropFirst()
                result.append(0x0A)
            } else {
                diagnostics.append(
                    Diagnostic(
                        .unexpected, "a space is expected after '|'",
                        at: place(line, line.contentStart + 1)))
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
