import Glibc
import Harness

/// The verbs that read scenario and profile files, and run nothing.
extension CommandLineTool {
    /// The paths that were given, or the suite that came with the tool.
    private static func paths(_ options: FileOptions) throws(BadUsage) -> [String] {
        if !options.paths.isEmpty { return options.paths }
        guard let scenarios = Installation.find(fakeServices: nil).scenarios else {
            throw BadUsage(message: "no scenarios came with this executable: name a file or a folder")
        }
        return [fromHere(scenarios)]
    }

    // MARK: - Lint

    static func lint(_ arguments: [String]) -> Int32 {
        do {
            let options = try FileOptions(arguments, FileOptions.lint)
            var suite = Suite()
            let files = try paths(options).flatMap { SourceFile.files(at: $0) }
            for file in files { suite.add(file) }
            if suite.fileCount == 0 { return complain("there is no scenario and no profile there") }
            let text =
                switch options.format {
                case "json": try jsonDiagnosticReport(suite.complaints, fileCount: suite.fileCount) + "\n"
                case "github": suite.complaints.map { $0.gitHubText() }.joined()
                default: suite.complaints.map { $0.humanText() }.joined() + summary(suite) + "\n"
                }
            let isGood = options.isStrict ? suite.complaints.isEmpty : !suite.complaints.contains(where: \.hasErrors)
            return print(text, isGood ? Status.passed : Status.usage)
        } catch let error as BadUsage {
            return complain(error.message)
        } catch {
            write("harness: \(error)\n", to: STDERR_FILENO)
            return Status.cannotRun
        }
    }

    private static func summary(_ suite: Suite) -> String {
        let all = suite.complaints.flatMap(\.diagnostics)
        func count(_ severity: Diagnostic.Severity) -> String? {
            let count = all.count { $0.severity == severity }
            return count == 0 ? nil : count == 1 ? "1 \(severity.rawValue)" : "\(count) \(severity.rawValue)s"
        }
        let files = suite.fileCount == 1 ? "1 file" : "\(suite.fileCount) files"
        let found = [count(.error), count(.warning)].compactMap(\.self).joined(separator: ", ")
        return "\(files): " + (found.isEmpty ? "no problems found" : found)
    }

    // MARK: - Format

    static func format(_ arguments: [String]) -> Int32 {
        do {
            let options = try FileOptions(arguments, FileOptions.fmt)
            let isCheck = options.isCheck
            if options.paths == ["-"] { return formatInput(isCheck: isCheck) }
            var worst = Status.passed
            let files = try paths(options).flatMap { SourceFile.files(at: $0) }
            if files.isEmpty { return complain("there is no scenario and no profile there") }
            for file in files {
                worst = max(worst, format(file: file, isCheck: isCheck))
            }
            return worst
        } catch {
            return complain(error.message)
        }
    }

    private static func format(file: String, isCheck: Bool) -> Int32 {
        do {
            let bytes = try SourceFile.bytes(of: file)
            guard let text = SourceFile.formatted(bytes, file: file) else { return refuse(file) }
            if text.utf8.elementsEqual(bytes) { return Status.passed }
            if isCheck { return print(file + "\n", Status.failed) }
            try SourceFile.replace(file, with: text)
            return print(file + "\n", Status.passed)
        } catch {
            write("\(file): error: \(error.reason)\n", to: STDERR_FILENO)
            return Status.usage
        }
    }

    /// What is wrong with a file that is left as it is.
    private static func refuse(_ file: String) -> Int32 {
        var suite = Suite()
        suite.add(file)
        for complaint in suite.complaints { write(complaint.humanText(), to: STDERR_FILENO) }
        return Status.usage
    }

    private static func formatInput(isCheck: Bool) -> Int32 {
        do {
            let bytes = try SourceFile.bytesOfInput()
            guard let text = SourceFile.formatted(bytes, file: "-") else {
                write(
                    FileDiagnostics(
                        file: "-", source: String(decoding: bytes, as: UTF8.self),
                        diagnostics: parseScenarios(bytes, file: "-").diagnostics
                    ).humanText(), to: STDERR_FILENO)
                return Status.usage
            }
            if isCheck { return text.utf8.elementsEqual(bytes) ? Status.passed : Status.failed }
            return print(text, Status.passed)
        } catch {
            write("-: error: \(error.reason)\n", to: STDERR_FILENO)
            return Status.usage
        }
    }

    // MARK: - List

    static func list(_ arguments: [String]) -> Int32 {
        do {
            let options = try FileOptions(arguments, FileOptions.list)
            var suite = Suite()
            for path in try paths(options) { suite.addScenarios(at: path) }
            if suite.complaints.contains(where: { !$0.isWellFormed }) {
                for complaint in suite.complaints { write(complaint.humanText(), to: STDERR_FILENO) }
                return Status.usage
            }
            let scenarios = suite.scenarios.filter { scenario in
                scenario.matches(filters: options.filters, tags: options.tags)
            }
            return print(
                options.format == "json" ? try jsonScenarioList(scenarios) + "\n" : scenarioList(scenarios),
                Status.passed)
        } catch let error as BadUsage {
            return complain(error.message)
        } catch {
            write("harness: \(error)\n", to: STDERR_FILENO)
            return Status.cannotRun
        }
    }
}
