// Package secret resolves references to secrets, so that a configuration holds none in the
// clear:
//
//	ref+env://NAME                                   a variable of the environment
//	ref+file:///path                                 a file, without its last line end
//	ref+systemd://name                               a credential of the unit (LoadCredential=)
//	ref+exec:///usr/bin/pass?arg=show&arg=yagura     what a program prints; there is no shell
//	ref+awssecrets://name-or-arn?region=&version=    AWS Secrets Manager
//	ref+awsssm://name?region=                        AWS Systems Manager Parameter Store
//	ref+gcpsecrets://project/name/version            Google Secret Manager
//	ref+azurekeyvault://vault/name/version           Azure Key Vault
//	ref+vault://path?field=&version=                 HashiCorp Vault, key-value engines 1 and 2
//	{{ kv "https://NAME.vault.azure.net/secrets/X" }}  the older form of Azure Key Vault
//
// Where a secret is JSON, key=a.b takes one value out of it. A name that has ? or % in it
// is written with %3F and %25.
//
// An error names the reference and never the value. A value that is empty, or larger than
// 64 KB, is an error. Nothing is kept on disk; a [Resolver] keeps in memory what it has
// fetched, so that one reload asks each service once.
//
// It is not a store and not a vault client for anything else: it reads.
//
// A worked example:
//
//	r := secret.New(secret.Options{})
//	token, err := r.Resolve(ctx, "ref+awssecrets://yagura/github?key=token")
//	// secret ref+awssecrets://yagura/github: AccessDeniedException: … (hint: the identity needs secretsmanager:GetSecretValue)
package secret
