using UnityEngine;

namespace Genlock
{
    /// <summary>Calls what the inspector says when one action comes.</summary>
    [AddComponentMenu("Genlock/Genlock Action Handler")]
    public sealed class GenlockActionHandler : MonoBehaviour
    {
        [Tooltip("The action's name in the GenlockActions asset.")]
        [SerializeField] private string action = "";

        [Tooltip("Empty: the first GenlockClient above this object or in the scene.")]
        [SerializeField] private GenlockClient client;

        [SerializeField] private ActionEvent onStarted = new ActionEvent();
        [SerializeField] private ActionEvent onPerformed = new ActionEvent();
        [SerializeField] private ActionEvent onCanceled = new ActionEvent();

        private bool _listens;

        /// <summary>The action's name.</summary>
        public string Action
        {
            get { return action; }
            set { action = value; }
        }

        /// <summary>The client; takes effect when this is enabled.</summary>
        public GenlockClient Client
        {
            get { return client; }
            set { client = value; }
        }

        /// <summary>It waits for more.</summary>
        public ActionEvent OnStarted
        {
            get { return onStarted; }
        }

        /// <summary>It is to be done.</summary>
        public ActionEvent OnPerformed
        {
            get { return onPerformed; }
        }

        /// <summary>It ends without being done.</summary>
        public ActionEvent OnCanceled
        {
            get { return onCanceled; }
        }

        private void OnEnable()
        {
            if (client == null)
            {
                client = GetComponentInParent<GenlockClient>();
            }
            if (client == null)
            {
                client = FindObjectOfType<GenlockClient>();
            }
            if (client != null)
            {
                client.ActionReceived += Take;
                _listens = true;
            }
        }

        private void OnDisable()
        {
            if (_listens)
            {
                client.ActionReceived -= Take;
                _listens = false;
            }
        }

        private void Take(GenlockAction received)
        {
            if (received.Name != action)
            {
                return;
            }
            switch (received.Phase)
            {
                case ActionPhase.Started:
                    onStarted.Invoke(received);
                    break;
                case ActionPhase.Performed:
                    onPerformed.Invoke(received);
                    break;
                default:
                    onCanceled.Invoke(received);
                    break;
            }
        }
    }
}
