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

    /// A document by its path; YAML is asked to be made JSON.
    ///
    /// - Throws: `BadUsage`.
    static func documents(
        in file: String, engine: String?
    ) throws(BadUsage) -> (kind: ContainerDocument.Kind, documents: [ImportedDocument]) {
        do {
            let bytes = file == "-" ? try SourceFile.bytesOfInput() : try SourceFile.bytes(of: file, atMost: 4 << 20)
            if let remedy = yaml(bytes, file) { throw BadUsage(message: remedy) }
            return try ContainerDocument.read(bytes, engine: engine)
        } catch {
            throw error as? BadUsage ?? BadUsage(message: "\(file): \(error)")
        }
    }

    /// What to do with YAML; nil: it is none.
    private static func yaml(_ bytes: [UInt8], _ file: String) -> String? {
        let first = bytes.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
        guard let first, first != UInt8(ascii: "{"), first != UInt8(ascii: "[") else { return nil }
        let lines = String(decoding: bytes.prefix(64 << 10), as: UTF8.self).split(separator: "\n")
        if lines.contains(where: { $0.hasPrefix("apiVersion:") || $0.hasPrefix("kind:") }) {
            return
                "\(file) is YAML: make JSON of it with `kubectl create --dry-run=client -o json -f \(file)`, or `yq -o json`"
        }
        if lines.contains(where: { $0.hasPrefix("services:") }) {
            return "\(file) is YAML: make JSON of it with `docker compose -f \(file) config --format json`"
        }
        return nil
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
