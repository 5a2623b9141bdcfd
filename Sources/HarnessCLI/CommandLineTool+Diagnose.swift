import Glibc
import Harness

extension CommandLineTool {
    /// `harness diagnose`: the flags of `docker run`, then a command.
    static func diagnose(_ arguments: [String]) -> Int32 {
        var options: DiagnoseOptions
        do {
            options = try DiagnoseOptions(arguments)
        } catch {
            return complain(error.message)
        }
        let installation = Installation.find(fakeServices: environment("HARNESS_FAKE_SERVICES"))
        do {
            let profile = try options.container.profile(installation)
            let session = try Session.interruptible(fakeServices: installation.fakeServices)
            defer { session.close() }
            try options.load(in: session)
            return try diagnose(options, profile, session)
        } catch let error as BadUsage {
            return complain(error.message)
        } catch {
            write("harness: \(error)\n", to: STDERR_FILENO)
            return Status.cannotRun
        }
    }

    private static func diagnose(_ options: DiagnoseOptions, _ profile: InitProfile, _ session: Session) throws -> Int32
    {
        do {
            let diagnosis = try Diagnoser(
                options.container.scenario, profile, in: session, starts: options.starts, lasting: options.lasting
            ).diagnose()
            for remark in options.container.remarks { write("harness: \(remark)\n", to: STDERR_FILENO) }
            write(diagnosis.text, to: STDOUT_FILENO)
            if let path = options.scenarioFile {
                let file = try OutputFile.open(path)
                guard write(reproduction(diagnosis, profile), to: file) else {
                    return complain("\(path): \(String(cString: strerror(errno)))")
                }
                close(file)
            }
            return diagnosis.isStable ? Status.passed : Status.failed
        } catch {
            guard session.isCancelled else { throw error }
            write("harness: interrupted\n", to: STDERR_FILENO)
            return Status.interrupted
        }
    }

    /// What was run as a scenario, about the PID 1 that it was run with.
    private static func reproduction(_ diagnosis: Diagnosis, _ profile: InitProfile) -> String {
        var scenario = diagnosis.scenario
        scenario.inits = [profile.name]
        return scenario.text
    }
}
