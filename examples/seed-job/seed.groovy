// Makes the jobs that the scripts in jobs/ describe. Script security is on: a script that an administrator has not yet
// approved (Manage Jenkins, In-process Script Approval) makes nothing.
pipeline {
    agent {
        kubernetes {
            cloud 'platform'
        }
    }
    stages {
        stage('Make the jobs') {
            steps {
                jobDsl targets: 'jobs/*.groovy', lookupStrategy: 'JENKINS_ROOT', removedJobAction: 'IGNORE'
            }
        }
    }
}
