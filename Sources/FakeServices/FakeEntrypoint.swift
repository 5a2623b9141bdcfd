import CLinux
import Glibc
import ServiceProtocol
import Vocabulary

/// An image's entrypoint: first-run initialisation in named steps behind a marker, then another program in its place.
///
/// The right way: the marker is looked for first, and written last, with a temporary file, fsync and rename, so that it is
/// either there, whole, or not at all. Each step leaves a file beside the marker.
struct FakeEntrypoint {
    private var marker = ""
    private var steps: [String] = []
    private var stepTakes: Duration = .zero
    private var command: [String] = []
    private let defect = ownDefect()

    static func main(arguments: [String]) -> Never {
        var this = FakeEntrypoint()
        var rest = arguments[...]
        options: while let word = rest.popFirst() {
            switch word {
            case "--marker": this.marker = rest.popFirst() ?? ""
            case "--steps": this.steps = (rest.popFirst() ?? "").split(separator: ",").map(String.init)
            case "--each":
                guard let time = Duration(text: rest.popFirst() ?? "") else { fail("entrypoint: --each takes a time") }
                this.stepTakes = time
            case "--":
                this.command = Array(rest)
                break options
            default: fail("entrypoint: '\(word)' is not an option")
            }
        }
        guard this.marker.hasPrefix("/"), !this.command.isEmpty else {
            fail("entrypoint: --marker PATH --steps A,B [--each TIME] -- COMMAND…")
        }
        this.run()
    }

    private func run() -> Never {
        let reporter = Reporter(name: "entrypoint")
        let sought = defect == .looksElsewhereForMarker ? "/run/initialised-\(getpid())" : marker
        if defect == .initialisesAlways || access(sought, F_OK) != 0 {
            initialise(reporter)
        } else if defect == .writesMarkerTwice {
            writeMarker(reporter)
        }
        reporter.send(.executes(program: command[0]))
        become(command)
    }

    private func initialise(_ reporter: Reporter) {
        makeDirectories()
        if defect == .writesMarkerFirst { writeMarker(reporter) }
        if defect == .writesEmptyMarker { close(open(marker, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)) }
        for step in steps {
            _ = waitForInput(on: [], until: now().advanced(by: stepTakes))
            guard replaceFile("\(directory)/.step-\(step)", with: "\(step)\n") else {
                reporter.refuse("write \(directory)/.step-\(step)")
            }
            reporter.send(.ran(step: step))
        }
        reporter.send(.initialised)
        if defect != .writesMarkerFirst { writeMarker(reporter) }
    }

    private var directory: String { String(marker[..<(marker.lastIndex(of: "/") ?? marker.startIndex)]) }

    private func makeDirectories() {
        var path = ""
        for name in directory.split(separator: "/") {
            path += "/\(name)"
            mkdir(path, 0o755)
        }
    }

    /// An ISO 8601 time in UTC.
    private func writeMarker(_ reporter: Reporter) {
        var seconds = time(nil)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        var buffer = [CChar](repeating: 0, count: 32)
        strftime(&buffer, buffer.count, "%Y-%m-%dT%H:%M:%SZ\n", &parts)
        let text = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard replaceFile(marker, with: text) else { reporter.refuse("write its marker \(marker)") }
        reporter.send(.wroteMarker)
    }
}
