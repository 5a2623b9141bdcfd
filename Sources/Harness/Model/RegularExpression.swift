/// A regular expression that is matched in time that grows with the text, for every text.
///
/// All ways to match are followed at once (Thompson's construction), none is tried after another: the init under test writes the text.
/// The syntax is the common part of POSIX and Perl: `.` `[a-z]` `[^a-z]` `^` `$` `\b` `\B` `\d` `\w` `\s` `\D` `\W` `\S` `\t` `\n` `\r`
/// `(…)` `(?:…)` `|` `*` `+` `?` `{n}` `{n,}` `{n,m}`. It is about Unicode scalars; `^` and `$` are the ends of the text.
public struct RegularExpression: Sendable {
    private let program: [Instruction]

    /// What is wrong with one.
    public struct Problem: Error, Hashable, Sendable {
        /// One sentence.
        public let reason: String

        /// A reason.
        public init(reason: String) { self.reason = reason }
    }

    fileprivate enum Instruction: Sendable {
        case one(CharacterSet)
        case check(Assertion)
        /// Goes on at both.
        case split(Int, Int)
        case jump(Int)
        case match
    }

    fileprivate enum Assertion: Sendable {
        case begin, end, boundary, noBoundary
    }

    /// Scalars, as ranges.
    fileprivate struct CharacterSet: Sendable {
        var ranges: [ClosedRange<UInt32>] = []
        var isNegated = false

        func contains(_ scalar: UInt32) -> Bool {
            ranges.contains { $0.contains(scalar) } != isNegated
        }
    }

    /// How many instructions one may have: what is counted (`{n}`) is written out.
    private static let programLimit = 2000

    /// - Throws: `Problem`.
    public init(_ pattern: String) throws(Problem) {
        var parser = Parser(pattern)
        let tree = try parser.alternatives()
        guard parser.isAtEnd else { throw Problem(reason: "there is no '(' for this ')'") }
        var compiler = Compiler(limit: RegularExpression.programLimit)
        try compiler.add(tree)
        program = compiler.program + [.match]
    }

    /// Whether it matches some part of a text.
    ///
    /// - Complexity: the length of the text times that of the expression.
    public func matches(in text: String) -> Bool {
        let scalars = text.unicodeScalars.map(\.value)
        var current = Threads(count: program.count)
        var next = Threads(count: program.count)
        for position in 0...scalars.count {
            // A match may begin anywhere.
            if add(0, to: &current, scalars, position) { return true }
            guard position < scalars.count else { return false }
            next.removeAll()
            for index in current.members {
                guard case .one(let set) = program[index], set.contains(scalars[position]) else { continue }
                if add(index + 1, to: &next, scalars, position + 1) { return true }
            }
            swap(&current, &next)
        }
        return false
    }

    /// Follows everything that consumes nothing.
    ///
    /// - Returns: whether it has come to the end of the expression.
    private func add(_ start: Int, to threads: inout Threads, _ scalars: [UInt32], _ position: Int) -> Bool {
        var waiting = [start]
        while let index = waiting.popLast() {
            guard threads.insert(index) else { continue }
            switch program[index] {
            case .match: return true
            case .one: continue
            case .jump(let target): waiting.append(target)
            case .split(let one, let other):
                waiting.append(other)
                waiting.append(one)
            case .check(let assertion):
                if RegularExpression.holds(assertion, scalars, position) { waiting.append(index + 1) }
            }
        }
        return false
    }

    private static func holds(_ assertion: Assertion, _ scalars: [UInt32], _ position: Int) -> Bool {
        func isWord(_ index: Int) -> Bool { scalars.indices.contains(index) && word.contains(scalars[index]) }
        switch assertion {
        case .begin: return position == 0
        case .end: return position == scalars.count
        case .boundary: return isWord(position - 1) != isWord(position)
        case .noBoundary: return isWord(position - 1) == isWord(position)
        }
    }

    /// Instructions, each once, in the order in which they came.
    private struct Threads {
        private(set) var members: [Int] = []
        private var isMember: [Bool]

        init(count: Int) { isMember = Array(repeating: false, count: count) }

        mutating func insert(_ index: Int) -> Bool {
            if isMember[index] { return false }
            isMember[index] = true
            members.append(index)
            return true
        }

        mutating func removeAll() {
            for index in members { isMember[index] = false }
            members.removeAll(keepingCapacity: true)
        }
    }

    fileprivate static let digit = CharacterSet(ranges: [0x30...0x39])
    fileprivate static let word = CharacterSet(ranges: [0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
    fileprivate static let space = CharacterSet(ranges: [0x09...0x0D, 0x20...0x20])
}

extension RegularExpression {
    fileprivate indirect enum Node {
        case one(CharacterSet)
        case check(Assertion)
        case sequence([Node])
        case either([Node])
        /// `most`: nil is without limit.
        case repeated(Node, least: Int, most: Int?)
    }

    fileprivate struct Parser {
        private var rest: Substring.UnicodeScalarView
        private var depth = 0
        private static let depthLimit = 100
        private static let countLimit = 1000

        init(_ pattern: String) { rest = pattern[...].unicodeScalars }

        var isAtEnd: Bool { rest.isEmpty }

        private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
            guard rest.first == scalar else { return false }
            rest.removeFirst()
            return true
        }

        mutating func alternatives() throws(Problem) -> Node {
            depth += 1
            defer { depth -= 1 }
            guard depth <= Parser.depthLimit else { throw Problem(reason: "it has more than 100 groups in each other") }
            var branches = [try sequence()]
            while take("|") { branches.append(try sequence()) }
            return branches.count == 1 ? branches[0] : .either(branches)
        }

        private mutating func sequence() throws(Problem) -> Node {
            var nodes: [Node] = []
            while let next = rest.first, next != "|", next != ")" { nodes.append(try repeated()) }
            return .sequence(nodes)
        }

        private mutating func repeated() throws(Problem) -> Node {
            var node = try single()
            while let next = rest.first, let (least, most) = try quantifier(next) {
                if case .check = node { throw Problem(reason: "there is nothing to repeat before '\(next)'") }
                node = .repeated(node, least: least, most: most)
                // The shortest match or the longest: the question is whether there is one.
                _ = take("?")
            }
            return node
        }

        private mutating func quantifier(_ next: Unicode.Scalar) throws(Problem) -> (Int, Int?)? {
            switch next {
            case "*", "+", "?":
                rest.removeFirst()
                return (next == "+" ? 1 : 0, next == "?" ? 1 : nil)
            case "{": return try counts()
            default: return nil
            }
        }

        /// `{n}`, `{n,}` or `{n,m}`; any other brace is itself.
        private mutating func counts() throws(Problem) -> (Int, Int?)? {
            guard let close = rest.firstIndex(of: "}") else { return nil }
            let inner = rest[rest.index(after: rest.startIndex)..<close]
            let parts = String(String.UnicodeScalarView(inner)).split(separator: ",", omittingEmptySubsequences: false)
            guard let least = Int(parts[0]), least >= 0, parts.count <= 2 else { return nil }
            var most: Int? = least
            if parts.count == 2 {
                most = Int(parts[1])
                if most == nil, !parts[1].isEmpty { return nil }
            }
            guard max(least, most ?? 0) <= Parser.countLimit, most ?? least >= least else {
                throw Problem(reason: "a count is from 0 to 1000, and the second is not less than the first")
            }
            rest = rest[rest.index(after: close)...]
            return (least, most)
        }

        private mutating func single() throws(Problem) -> Node {
            let first = rest.removeFirst()
            switch first {
            case "^": return .check(.begin)
            case "$": return .check(.end)
            case ".": return .one(CharacterSet(ranges: [0x0A...0x0A], isNegated: true))
            case "[": return .one(try characterClass())
            case "(":
                if take("?"), !take(":") {
                    throw Problem(reason: "of groups that begin with '(?' only '(?:' is known")
                }
                let group = try alternatives()
                guard take(")") else { throw Problem(reason: "a ')' is missing") }
                return group
            case "*", "+", "?": throw Problem(reason: "there is nothing to repeat before '\(first)'")
            case "\\":
                guard let next = rest.first else { throw Problem(reason: "there is nothing after the last '\\'") }
                if next == "b" || next == "B" {
                    rest.removeFirst()
                    return .check(next == "b" ? .boundary : .noBoundary)
                }
                return .one(try escaped())
            default: return .one(CharacterSet(ranges: [first.value...first.value]))
            }
        }

        /// What is after a backslash.
        private mutating func escaped() throws(Problem) -> CharacterSet {
            let scalar = rest.removeFirst()
            switch scalar {
            case "d": return digit
            case "w": return word
            case "s": return space
            case "D": return CharacterSet(ranges: digit.ranges, isNegated: true)
            case "W": return CharacterSet(ranges: word.ranges, isNegated: true)
            case "S": return CharacterSet(ranges: space.ranges, isNegated: true)
            case "n": return CharacterSet(ranges: [0x0A...0x0A])
            case "r": return CharacterSet(ranges: [0x0D...0x0D])
            case "t": return CharacterSet(ranges: [0x09...0x09])
            case "a"..."z", "A"..."Z", "0"..."9": throw Problem(reason: "'\\\(scalar)' is not known")
            default: return CharacterSet(ranges: [scalar.value...scalar.value])
            }
        }

        private mutating func characterClass() throws(Problem) -> CharacterSet {
            var set = CharacterSet(isNegated: take("^"))
            var isFirst = true
            while let next = rest.first, next != "]" || isFirst {
                isFirst = false
                let low = try classMember()
                guard low.ranges.count == 1, !low.isNegated, low.ranges[0].count == 1, rest.first == "-",
                    rest.dropFirst().first != "]", rest.count > 1
                else {
                    if low.isNegated { throw Problem(reason: "'\\D', '\\W' and '\\S' are not for a class") }
                    set.ranges += low.ranges
                    continue
                }
                rest.removeFirst()
                let high = try classMember()
                guard high.ranges.count == 1, high.ranges[0].lowerBound >= low.ranges[0].lowerBound, !high.isNegated
                else {
                    throw Problem(reason: "a range goes from the lower character to the higher")
                }
                set.ranges.append(low.ranges[0].lowerBound...high.ranges[0].upperBound)
            }
            guard take("]") else { throw Problem(reason: "a ']' is missing") }
            return set
        }

        private mutating func classMember() throws(Problem) -> CharacterSet {
            guard take("\\") else {
                let scalar = rest.removeFirst()
                return CharacterSet(ranges: [scalar.value...scalar.value])
            }
            guard !rest.isEmpty else { throw Problem(reason: "there is nothing after the last '\\'") }
            return try escaped()
        }
    }

    fileprivate struct Compiler {
        let limit: Int
        private(set) var program: [Instruction] = []

        init(limit: Int) { self.limit = limit }

        private mutating func emit(_ instruction: Instruction) throws(Problem) {
            guard program.count < limit else {
                throw Problem(reason: "it is too long, with what it counts written out")
            }
            program.append(instruction)
        }

        mutating func add(_ node: Node) throws(Problem) {
            switch node {
            case .one(let set): try emit(.one(set))
            case .check(let assertion): try emit(.check(assertion))
            case .sequence(let nodes): for node in nodes { try add(node) }
            case .either(let branches):
                var ends: [Int] = []
                for branch in branches.dropLast() {
                    let split = program.count
                    try emit(.split(0, 0))
                    try add(branch)
                    ends.append(program.count)
                    try emit(.jump(0))
                    program[split] = .split(split + 1, program.count)
                }
                try add(branches[branches.count - 1])
                for end in ends { program[end] = .jump(program.count) }
            case .repeated(let inner, let least, let most):
                for _ in 0..<least {
                    let begin = program.count
                    try add(inner)
                    // What matches nothing but the empty text does so any number of times: without this, `((a{0}){1000}){1000}` and so on
                    // would be written out for ever, and never be too long.
                    if program.count == begin { return }
                }
                guard let most else { return try addWithoutLimit(inner) }
                var splits: [Int] = []
                for _ in least..<most {
                    splits.append(program.count)
                    try emit(.split(0, 0))
                    try add(inner)
                }
                for split in splits { program[split] = .split(split + 1, program.count) }
            }
        }

        private mutating func addWithoutLimit(_ inner: Node) throws(Problem) {
            let split = program.count
            try emit(.split(0, 0))
            try add(inner)
            try emit(.jump(split))
            program[split] = .split(split + 1, program.count)
        }
    }
}
