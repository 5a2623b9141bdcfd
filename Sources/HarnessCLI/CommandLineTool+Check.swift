import Glibc
import Harness

extension CommandLineTool {
    /// `harness check`: an image or a command, and what it is to be able to do.
    static func check(_ arguments: [String]) -> Int32 {
        var options: CheckOptions
        do {
            options = try CheckOptions(arguments)
        } catch {
            return complain(error.message)
        }
        let installation = Installation.find(fakeServices: environment("HARNESS_FAKE_SERVICES"))
        do {
            let session = try Session.interruptible(
                fakeServices: installation.fakeServices, history: DurationHistory.usualPath.map(DurationHistory.init))
            defer { session.close() }
            do {
                return try check(&options, session, installation)
            } catch {
                guard session.isCancelled else { throw error }
                write("harness: interrupted\n", to: STDERR_FILENO)
                return Status.interrupted
            }
        } catch let error as BadUsage {
            return complain(error.message)
        } catch {
            write("harness: \(error)\n", to: STDERR_FILENO)
            return Status.cannotRun
        }
    }

    /// The findings at their lines of a Dockerfile.
    private static func located(_ report: CheckReport, _ dockerfile: Dockerfile, _ path: String) -> RunReport {
        report.run(locatedIn: dockerfile, at: path) { path in
            (try? SourceFile.bytes(of: path, atMost: 1 << 20)).map { String(decoding: $0, as: UTF8.self) }
        }
    }

    /// What an image was built from.
    ///
    /// - Throws: `BadUsage`: it is no Dockerfile.
    private static func dockerfile(at path: String) throws(BadUsage) -> Dockerfile {
        let bytes: [UInt8]
        do {
            bytes = try SourceFile.bytes(of: path, atMost: 1 << 20)
        } catch {
            throw BadUsage(message: "--dockerfile \(path): \(error)")
        }
        let result = Dockerfile(String(decoding: bytes, as: UTF8.self))
        if result.instruction("FROM") == nil { throw BadUsage(message: "--dockerfile \(path): there is no FROM in it") }
        return result
    }

    private static func check(_ options: inout CheckOptions, _ session: Session, _ installation: Installation) throws
        -> Int32
    {
        // Before anything is run: what cannot be written is not found out after it.
        let dockerfile = try options.dockerfile.map { path throws(BadUsage) in (try Self.dockerfile(at: path), path) }
        let outputs = try options.reports.map { report in (report.format, try OutputFile.open(report.path), report.path)
        }
        let (name, ports) = try options.load(in: session)
        for remark in options.container.remarks { write("harness: \(remark)\n", to: STDERR_FILENO) }
        let profile = try options.container.profile(installation)
        let checker = Checker(
            options.container.scenario, profile, named: name, ports: ports, in: session, options.check)
        let line = StatusLine()
        session.sweepOptions.onProgress = { sweep in
            let left = Int((sweep.left / Duration.seconds(1)).rounded())
            line.show("\(sweep.title.prefix { $0 != ":" }): \(sweep.done) of \(sweep.total), \(left) s left")
        }
        let report = try checker.check(onPlan: line.begin) { result in
            line.step("\(result.scenario.title.prefix { $0 != ":" })")
        }
        // It is gone before the page begins.
        line.end()
        var settings = ReportOptions()
        (settings.date, settings.machine, settings.version) = (today(), ToolVersion.machine, ToolVersion.description)
        settings.compress = { Gzip.compressing($0) }
        for (format, descriptor, path) in outputs {
            guard let reporter = Reporters.named(format) else { continue }
            let run =
                dockerfile.flatMap { reporter.speaksOfLines ? located(report, $0.0, $0.1) : nil } ?? report.run
            if !write(try reporter.init(settings).text(run), to: descriptor) {
                write("harness: \(path): \(String(cString: strerror(errno)))\n", to: STDERR_FILENO)
                return Status.cannotRun
            }
            close(descriptor)
        }
        let style = style(options.colour, STDOUT_FILENO)
        let text =
            options.format == "json"
            ? try report.json()
            : report.text(style: style, detail: options.isQuiet ? .quiet : options.isVerbose ? .verbose : .normal)
        guard write(text, to: STDOUT_FILENO) else {
            write("harness: the report could not be written: \(String(cString: strerror(errno)))\n", to: STDERR_FILENO)
            return Status.cannotRun
        }
        if !report.isGood { return Status.failed }
        return report.hasErrors ? Status.cannotRun : Status.passed
    }
}
