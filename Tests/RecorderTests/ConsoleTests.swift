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
        #expect(lines(console.read()) == ["one", "two"])
        try pipe.writeEnd.write("ee\n\nlast")
        #expect(lines(console.read()) == ["three", ""])
        let isAtEnd = console.isAtEnd
        #expect(!isAtEnd)
        var rest: [Event] = []
        console.finish(&rest)
        #expect(lines(rest) == ["last"])
    }

    @Test func whatIsTooMuchIsCountedNotKept() throws {
        let path = "/tmp/console-test-\(UInt64.random(in: 0 ... .max))"
        defer { Files.remove(path) }
        let excess = 12_345
        try Files.write(String(repeating: "x", count: Console.limitInBytes + excess), creating: path)
        var console = Console(try Descriptor.open(path, .read), as: .stderr)
        var events: [Event] = []
        while !console.isAtEnd { events += console.read() }
        #expect(events.contains { $0.kind == .dropped(bytes: excess, of: "stderr") })
        let kept = lines(events)
        #expect(kept.allSatisfy { $0.utf8.count <= Console.lineLimitInBytes })
        #expect(kept.reduce(0) { $0 + $1.utf8.count } == Console.limitInBytes)
    }
}
