import Glibc
import Harness

extension CommandLineTool {
    /// `harness import`: what an engine or an orchestrator says of containers, as scenarios.
    static func importDocument(_ arguments: [String]) -> Int32 {
        do throws(BadUsage) {
            let options = try ImportOptions(arguments)
            let (kind, documents) = try documents(in: options.file ?? "-", engine: options.engine)
            var text = ""
            for var document in documents {
                if let image = options.image { document.scenario.setImage(image) }
                text += (text.isEmpty ? "" : "\n") + document.text(kind)
                for remark in document.remarks { write("harness: \(remark)\n", to: STDERR_FILENO) }
            }
            let descriptor =
                try options.output.map { path throws(BadUsage) in try OutputFile.open(path) } ?? STDOUT_FILENO
            guard write(text, to: descriptor) else {
                write(
                    "harness: the scenarios could not be written: \(String(cString: strerror(errno)))\n",
                    to: STDERR_FILENO)
                return Status.cannotRun
            }
            // What the language cannot say is said here, and not when it is run.
            let problems = parseScenarios(Array(text.utf8), file: options.output ?? "the scenario").diagnostics
            guard let problem = problems.first(where: { $0.severity == .error }) else { return Status.passed }
            write(
                "harness: what was written has to be mended, line \(problem.place.line): \(problem.message)\n",
                to: STDERR_FILENO)
            return Status.usage
        } catch {
            return complain(error.message)
        }
    }

    /// A document by its path. YAML is made JSON by Python, in a container.
    ///
    /// - Throws: `BadUsage`: of YAML that cannot be made JSON here, how to do so.
    static func documents(
        in file: String, engine: String?
    ) throws(BadUsage) -> (kind: ContainerDocument.Kind, documents: [ImportedDocument]) {
        do {
            let bytes = file == "-" ? try SourceFile.bytesOfInput() : try SourceFile.bytes(of: file, atMost: 4 << 20)
            let isJSON =
                bytes.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }.map { $0 == 0x7B || $0 == 0x5B } ?? false
            if !isJSON, YAMLForm(bytes) == nil, file.hasSuffix(".yaml") || file.hasSuffix(".yml") {
                throw BadUsage(
                    message: "\(file) has neither 'services', as Compose's files, nor a 'kind', as Kubernetes'")
            }
            guard let form = YAMLForm(bytes) else { return try ContainerDocument.read(bytes, engine: engine) }
            guard let json = try json(of: file, bytes, form) else { throw BadUsage(message: form.remedy(for: file)) }
            let folder = fromRoot(
                file.split(separator: "/").dropLast().joined(separator: "/"), isAbsolute: file.hasPrefix("/"))
            let ownVariables = form == .compose ? variables(in: folder + "/.env") : [:]
            return try ContainerDocument.readYAML(json, engine: engine, folder: folder) { name in
                environment(name) ?? ownVariables[name]
            }
        } catch {
            throw error as? BadUsage ?? BadUsage(message: "\(file): \(error)")
        }
    }

    /// The documents of a YAML file as JSON; nil: it cannot be converted here.
    private static func json(of file: String, _ bytes: [UInt8], _ form: YAMLForm) throws -> [UInt8]? {
        var file = file
        // The converter reads a file.
        let copy = "/tmp/harness-import-\(UInt64.random(in: 0 ... .max))"
        if file == "-" {
            let descriptor = open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            file = copy
            close(descriptor)
            guard count == bytes.count else {
                unlink(copy)
                throw BadUsage(message: "\(copy) could not be written")
            }
        }
        defer { if file == copy { unlink(copy) } }
        let installation = Installation.find(fakeServices: environment("HARNESS_FAKE_SERVICES"))
        let session: Session
        do {
            // So that an interrupt leaves nothing.
            session = try Session.interruptible(fakeServices: installation.fakeServices, usesTrace: false)
        } catch {
            throw BadUsage(message: "\(form.remedy(for: file)) (here it cannot be made: \(error))")
        }
        defer { session.close() }
        return try YAMLConversion(in: session).json(of: file)
    }

    /// Those of the file `.env` beside a Compose file.
    private static func variables(in file: String) -> [String: String] {
        guard let bytes = try? SourceFile.bytes(of: file, atMost: 1 << 20) else { return [:] }
        return ComposeFile.variables(in: String(decoding: bytes, as: UTF8.self), besides: environment)
    }

    private static func fromRoot(_ folder: String, isAbsolute: Bool) -> String {
        if isAbsolute { return "/" + folder }
        guard let current = getcwd(nil, 0) else { return folder }
        defer { free(current) }
        return String(cString: current) + (folder.isEmpty ? "" : "/" + folder)
    }
}

/// A document that people write in YAML, by its first lines.
enum YAMLForm {
    case compose, kubernetes

    /// Nil: it is none of them.
    init?(_ bytes: [UInt8]) {
        // A mark of the byte order, of UTF-8 or UTF-16.
        let marks: [[UInt8]] = [[0xEF, 0xBB, 0xBF], [0xFF, 0xFE], [0xFE, 0xFF]]
        let mark = marks.first { bytes.starts(with: $0) } ?? []
        var text = bytes.dropFirst(mark.count).prefix(64 << 10)
        if mark.count == 2 { text.removeAll { $0 == 0 } }
        let first = text.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
        guard let first, first != UInt8(ascii: "{"), first != UInt8(ascii: "["), !text.prefix(4096).contains(0) else {
            return nil
        }
        let lines = String(decoding: text, as: UTF8.self).split { $0.isNewline }
        if lines.contains(where: { $0.hasPrefix("services:") }) {
            self = .compose
        } else if lines.contains(where: { $0.hasPrefix("apiVersion:") || $0.hasPrefix("kind:") }) {
            self = .kubernetes
        } else {
            return nil
        }
    }

    /// How to get JSON, where no program here makes it.
    func remedy(for file: String) -> String {
        switch self {
        case .compose:
            "\(file) is YAML: install python3-yaml, or make JSON of it with `docker compose -f \(file) config --format json`"
        case .kubernetes:
            "\(file) is YAML: install python3-yaml, or make JSON of it with `kubectl create --dry-run=client -o json -f \(file)`"
        }
    }
}

extension ImportedDocument {
    /// A scenario that starts it and stops it, with what is not carried over above it.
    func text(_ kind: ContainerDocument.Kind) -> String {
        var result = scenario
        if result.inits.isEmpty { result.inits = [usesInit ? "docker-init" : "none"] }
        // One that waits for another is not started at once.
        let runs = [
            Step(.waitFor(.state(.running), within: .seconds(60)), place: .none),
            Step(.expect(Expectation(.state(.running), for: .seconds(2))), place: .none),
        ]
        let ends = [Step(.expect(Expectation(.killed([.initProcess]), isNegated: true)), place: .none)]
        let names = scenario.members.filter { $0.role != .initial }.map(\.name)
        func ask(_ steps: [Step]) -> [Step] {
            names.isEmpty ? steps : names.map { Step(.within(container: $0, steps), place: .none) }
        }
        result.steps =
            [Step(.start, place: .none)] + ask(runs) + [Step(.stop(grace: nil), place: .none)] + ask(ends)
        let head = ["From \(kind.rawValue)."] + remarks
        return head.map { "# \($0)\n" }.joined() + result.text
    }
}

extension Scenario {
    /// Another image for it, and for each of its containers.
    mutating func setImage(_ name: String) {
        if members.isEmpty { settings.image = name }
        for index in members.indices { members[index].scenario.settings.image = name }
    }
}
