import Glibc
import Journal
import Kernel
import Testing

@testable import Recorder

@Suite("The console")
struct ConsoleTests {
    private func lines(_ events: [Event]) -> [String] {
        events.compactMap { if case .printed(let text, _, _) = $0.kind { text } else { nil } }
    }

    @Test func outputIsCutIntoLines() throws {
        let pipe = try Pipe()
        try pipe.writeEnd.write("one\ntwo\r\nthr")
        var console = Console(
            try Descriptor.open("/proc/self/fd/\(pipe.readEnd.rawValue)", .readNonBlocking), as: .stdout)
        var events = console.read()
        #expect(events.printedLines.map(\.text) == ["one", "two", "thr"])
        try pipe.writeEnd.write("ee\n\nlast")
        events += console.read()
        #expect(events.printedLines.map(\.text) == ["one", "two", "three", "", "last"])
        let isAtEnd = console.isAtEnd
        #expect(!isAtEnd)
        console.finish(&events)
        #expect(events.printedLines.map(\.text) == ["one", "two", "three", "", "last"])
    }

    /// A prompt is seen at once; half a character, or half of CR LF, is not.
    @Test func aLineWithoutItsEndIsSeen() throws {
        let pipe = try Pipe()
        var console = Console(
            try Descriptor.open("/proc/self/fd/\(pipe.readEnd.rawValue)", .readNonBlocking), as: .stdout)
        let euro = Array("€".utf8)
        try pipe.writeEnd.write("Password: ")
        var events = console.read()
        #expect(events.printedLines.map(\.text) == ["Password: "])
        try pipe.writeEnd.write("5 ")
        try Self.write(Array(euro[..<2]), to: pipe)
        events += console.read()
        #expect(events.printedLines.map(\.text) == ["Password: 5 "])
        try Self.write([euro[2], 0x0D], to: pipe)
        events += console.read()
        try pipe.writeEnd.write("\nnext")
        events += console.read()
        #expect(events.printedLines.map(\.text) == ["Password: 5 €", "next"])
    }

    private static func write(_ bytes: [UInt8], to pipe: borrowing Pipe) throws {
        let count = bytes.withUnsafeBytes { Glibc.write(pipe.writeEnd.rawValue, $0.baseAddress, $0.count) }
        #expect(count == bytes.count)
    }

    /// Very many short lines are no way to fill the harness's memory.
    @Test func tooManyLinesAreNotKept() throws {
        let path = "/tmp/console-test-\(UInt64.random(in: 0 ... .max))"
        defer { Files.remove(path) }
        try Files.write(String(repeating: "\n", count: Console.eventLimit + 1000), creating: path)
        var console = Console(try Descriptor.open(path, .read), as: .stdout)
        var events: [Event] = []
        while !console.isAtEnd { events += console.read() }
        #expect(lines(events).count == Console.eventLimit)
        #expect(events.contains { $0.kind == .dropped(bytes: 1000, of: .stream(.stdout)) })
    }

    @Test func whatIsTooMuchIsCountedNotKept() throws {
        let path = "/tmp/console-test-\(UInt64.random(in: 0 ... .max))"
        defer { Files.remove(path) }
        let excess = 12_345
        try Files.write(String(repeating: "x", count: Console.limitInBytes + excess), creating: path)
        var console = Console(try Descriptor.open(path, .read), as: .stderr)
        var events: [Event] = []
        while !console.isAtEnd { events += console.read() }
        #expect(events.contains { $0.kind == .dropped(bytes: excess, of: .stream(.stderr)) })
        let kept = lines(events)
        #expect(kept.allSatisfy { $0.utf8.count <= Console.lineLimitInBytes })
        #expect(kept.reduce(0) { $0 + $1.utf8.count } == Console.limitInBytes)
    }
}
