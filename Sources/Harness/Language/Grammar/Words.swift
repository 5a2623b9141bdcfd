/// The words that the language is made of, each with a number: a line is cut into words once, and compared by number.
struct Words: Sendable {
    typealias Index = UInt16

    /// No word of the language.
    static let none: Index = 0

    /// By number; the first stands for `none`.
    private(set) var spellings: [String] = [""]
    /// Open addressing: numbers by the hash of their spelling.
    private var table: [Index] = Array(repeating: none, count: 1024)
    private var longest = 0

    private(set) var expect = none
    private(set) var wait = none
    private(set) var matches = none

    init(_ words: some Sequence<String>) {
        for word in words { _ = add(word) }
        expect = add("expect")
        wait = add("wait")
        matches = add("matches")
    }

    func spelling(_ index: Index) -> String { spellings[Int(index)] }

    private mutating func add(_ word: String) -> Index {
        let bytes = Array(word.utf8)
        let known = index(of: bytes, 0, bytes.count)
        if known != Words.none { return known }
        precondition(spellings.count < table.count / 2, "the table of words is too small")
        var slot = hash(bytes, 0, bytes.count)
        while table[slot] != Words.none { slot = (slot + 1) & (table.count - 1) }
        table[slot] = Index(spellings.count)
        spellings.append(word)
        longest = max(longest, bytes.count)
        return table[slot]
    }

    /// The number of the word that is there, `none` where it is no word of the language.
    func index(of bytes: [UInt8], _ start: Int, _ end: Int) -> Index {
        guard end - start <= longest, start < end else { return Words.none }
        var slot = hash(bytes, start, end)
        while table[slot] != Words.none {
            if spellings[Int(table[slot])].utf8.elementsEqual(bytes[start..<end]) { return table[slot] }
            slot = (slot + 1) & (table.count - 1)
        }
        return Words.none
    }

    /// FNV-1a.
    private func hash(_ bytes: [UInt8], _ start: Int, _ end: Int) -> Int {
        var value: UInt32 = 2_166_136_261
        for index in start..<end { value = (value ^ UInt32(bytes[index])) &* 16_777_619 }
        return Int(value) & (table.count - 1)
    }
}
