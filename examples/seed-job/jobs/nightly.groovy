// In the folder of the tenant whose cloud the job is to use; anywhere else it would wait for ever.
pipelineJob('shop/nightly') {
    description('Builds the main branch every night')
    triggers {
        cron('H 3 * * *')
    }
    definition {
        cpsScm {
            lightweight(true)
            scriptPath('nightly.Jenkinsfile')
            scm {
                git {
                    remote {
                        url('https://github.com/acme/web.git')
                        credentials('github')
                    }
                    branch('main')
                }
            }
        }
    }
}
